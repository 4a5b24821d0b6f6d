"""By what customers are scored. No slice is named here: every slice asks for the standards of its own."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, TypeVar

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import InvalidInput, Text
from guanxi_common.standards import Register, S, Standards

T = TypeVar("T")

EARLIEST: Final = date(1900, 1, 1)


class Method:
    """The standards of one moment, the classes of activity, the calendar: `method[RetentionStandard]` is the version in force. Immutable,
    but that earlier versions stay at hand (`numbered`).
    """

    def __init__(self, register: Register, standards: Standards, at: datetime) -> None:
        self.calendar: Final[BusinessCalendar] = register.calendar
        self._register = register
        self._standards = standards
        self._at = at

    def __getitem__(self, kind: type[T]) -> T:
        """Raises `KeyError` for a kind that the service does not load."""
        return self._standards[kind]

    def numbered(self, kind: type[S], number: int) -> S:
        """The version that a stored result names. Raises `LookupError` where it is not known."""
        return self._register.numbered(kind, number)

    def begun(self, kind: type[S]) -> list[S]:
        """The versions that had begun at this moment, the earliest first; at least the first one."""
        return self._register.begun(kind, self._at)

    def on(self, day: date, known_at: datetime) -> "Method":
        """By what a business date goes, among the versions approved by `known_at`."""
        return Method(self._register, self._standards.replacing(*self._register.on(day, known_at)), self._at)

    def replacing(self, *standards: object) -> "Method":
        """The same method with other versions of these standards."""
        return Method(self._register, self._standards.replacing(*standards), self._at)


class Methods:
    """The method of a moment. `others`: what is asked for as a standard and is none yet."""

    def __init__(self, register: Register, others: Iterable[Any] = ()) -> None:
        self.register: Final = register
        self.calendar: Final = register.calendar
        self._others = tuple(others)

    def at(self, now: datetime) -> Method:
        """By what is scored at an instant. A call, a batch or a step of a run takes it once."""
        return Method(self.register, self.register.at(now).replacing(*self._others), now)


def day_asked(method: Method, now: datetime, as_of: date | None, known_at: datetime | None = None) -> date:
    """The business date that is asked for. Raises `InvalidInput` for a date or an instant to come, and for one before our calendar."""
    today = method.calendar.local_date(now)
    if not EARLIEST <= (as_of or today) <= today or (known_at or now) > now:
        raise InvalidInput(Text("as_of or known_at is out of range.", "as_of 或 known_at 超出范围。"))
    return as_of or today
