"""Pure rules of standards: which version is in force, and what becomes of a package's own versions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from guanxi_common.calendar import BusinessCalendar

_TICK: Final = timedelta(microseconds=1)


class Dated(Protocol):
    """What decides whether a version is in force."""

    @property
    def number(self) -> int: ...
    @property
    def approved_at(self) -> datetime: ...
    @property
    def effective_at(self) -> datetime: ...


V = TypeVar("V", bound=Dated)


@dataclass(frozen=True, slots=True)
class StandardVersion:
    """One version of a standard. `approved_by` is None for what came with the package, whose `author` is its own."""

    kind: str
    number: int
    body: Mapping[str, Any]
    author: str
    reason: str
    approved_by: str | None
    approved_at: datetime
    effective_at: datetime


def in_force(versions: Sequence[V], at: datetime, known_at: datetime) -> V:
    """The version in force at an instant, among those approved by `known_at`: the one that began last, and of several that begin
    together the last one approved. Before the first version, the first. Raises `ValueError` without any version.
    """
    begun = [version for version in versions if version.approved_at <= known_at and version.effective_at <= at]
    if begun:
        return max(begun, key=_began)
    return min(versions, key=_began)


def moment_of(day: date, known_at: datetime, calendar: BusinessCalendar) -> datetime:
    """The instant at which the rules of a business day are read: `known_at` within the day, else the end of the day that is nearer.

    So a day goes by the version in force at its start, or by the one that began during it from then on.
    """
    first, after = calendar.start_of_day(day), calendar.start_of_day(day + timedelta(days=1))
    return min(max(known_at, first), after - _TICK)


def news_of_package(shipped: Sequence[int], known: Collection[int]) -> tuple[Sequence[int], int | None]:
    """Which of a package's versions are adopted, and which one is proposed.

    `known`: the package's versions that the bank has adopted or been offered before. A bank that knows none adopts them all. From then
    on a package supersedes nothing: its newest version, unless known, is a proposal.
    """
    if not known:
        return shipped, None
    newest = max(shipped)
    return (), newest if newest > max(known) else None


def _began(version: Dated) -> tuple[datetime, int]:
    return version.effective_at, version.number
