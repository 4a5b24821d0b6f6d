"""What can go wrong with a complaint."""

from datetime import date, datetime

from guanxi_common.errors import Conflict, Text


class ComplaintResolved(Conflict):
    """It was resolved before; its outcome stands. The detail says which, by whom and when."""

    code, title = "complaint_resolved", Text("The complaint has been resolved", "该投诉已办结")

    def __init__(self, outcome: str, by: str, on: date | None) -> None:
        super().__init__(Text(f"Resolved as {outcome} by {by} on {on}.", f"{by}已于{on}办结（{outcome}）。"))


class ComplaintAcknowledged(Conflict):
    """It was acknowledged before; the detail says by whom and when (UTC)."""

    code, title = "complaint_acknowledged", Text("The complaint has been acknowledged", "该投诉已告知受理")

    def __init__(self, by: str, at: datetime) -> None:
        super().__init__(
            Text(f"Acknowledged by {by} at {at:%Y-%m-%d %H:%M} UTC.", f"{by}已于{at:%Y-%m-%d %H:%M}（UTC）告知受理。")
        )
