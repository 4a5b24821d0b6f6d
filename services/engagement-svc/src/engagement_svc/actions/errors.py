"""What can go wrong with an action."""

from datetime import datetime

from guanxi_common.errors import Conflict, Text


class NotDeclinable(Conflict):
    """The task is a duty, or carries no action: only an offer can be declined."""

    code, title = "not_declinable", Text("This task cannot be declined", "该任务不能拒绝")


class AlreadyDeclined(Conflict):
    """The offer was declined before; the detail says by whom and when (UTC)."""

    code, title = "already_declined", Text("The offer has been declined already", "该营销建议已被放弃")

    def __init__(self, by: str, at: datetime) -> None:
        super().__init__(Text(f"Declined by {by} at {at:%Y-%m-%d %H:%M} UTC.", f"{by}已于{at:%Y-%m-%d %H:%M}（UTC）放弃。"))
