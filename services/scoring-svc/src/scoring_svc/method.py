"""By what customers are scored. No slice is named here: every slice asks for the standards of its own."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final, TypeVar, cast

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import InvalidInput, Text

T = TypeVar("T")

EARLIEST: Final = date(1900, 1, 1)


class Method:
    """The standards in force, the classes of activity, the calendar: `method[RetentionStandard]` is the version in force. Immutable."""

    def __init__(self, calendar: BusinessCalendar, standards: Iterable[object]) -> None:
        self.calendar = calendar
        self._by_kind = {type(standard): standard for standard in standards}

    def __getitem__(self, kind: type[T]) -> T:
        """Raises `KeyError` for a kind that the service does not load."""
        return cast("T", self._by_kind[kind])

    def replacing(self, *standards: object) -> "Method":
        """The same method with other versions of these standards."""
        return Method(self.calendar, [*self._by_kind.values(), *standards])


def day_asked(method: Method, now: datetime, as_of: date | None, known_at: datetime | None = None) -> date:
    """The business date that is asked for. Raises `InvalidInput` for a date or an instant to come, and for one before our calendar."""
    today = method.calendar.local_date(now)
    if not EARLIEST <= (as_of or today) <= today or (known_at or now) > now:
        raise InvalidInput(Text("as_of or known_at is out of range.", "as_of 或 known_at 超出范围。"))
    return as_of or today
