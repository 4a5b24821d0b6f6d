"""The versions of the standards that a service goes by, and those in force at a moment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Generic, TypeVar, cast

import structlog

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.standards.kinds import Kind
from guanxi_common.standards.policy import StandardVersion, in_force, moment_of
from guanxi_common.standards.shipped import S

log = structlog.get_logger(__name__)

K = TypeVar("K")

ALWAYS: Final = datetime.max.replace(tzinfo=UTC)
ALWAYS_LATER: Final = 2**31
"""Greater than every version's number."""


class Standards:
    """The standards of one moment, one of each type: `standards[ConsentStandard]`. Immutable."""

    def __init__(self, *standards: Any) -> None:
        self._of_type = {type(standard): standard for standard in standards}

    def __getitem__(self, kind: type[K]) -> K:
        """Raises `KeyError` for a type that the service has not loaded."""
        return cast("K", self._of_type[kind])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._of_type.values())

    def replacing(self, *standards: Any) -> "Standards":
        """The same with other versions of these."""
        return Standards(*self._of_type.values(), *standards)


@dataclass(frozen=True, slots=True)
class _Entry(Generic[S]):
    number: int
    approved_at: datetime
    effective_at: datetime
    standard: S


class Register:
    """The versions of a service's kinds: those that ship, until the bank's have been learnt. One for each process."""

    def __init__(self, kinds: Iterable[Kind[Any]], calendar: BusinessCalendar) -> None:
        self.calendar: Final = calendar
        self.kinds: Final = {kind.name: kind for kind in kinds}
        self.unusable: frozenset[tuple[str, int]] = frozenset()
        """Kind and number of the versions that this service cannot go by."""
        self._learnt: Sequence[StandardVersion] | None = None
        self._entries: dict[type, list[_Entry[Any]]] = {}
        self._span = (ALWAYS, ALWAYS)
        self._in_force = Standards()
        self.learn([])

    def learn(self, versions: Sequence[StandardVersion]) -> None:
        """Go by these versions from now on. Of a kind, what ships fills what came before the first of them; a later one never does.

        A version that cannot be used is left out, so that the one before it goes on; see `unusable`.
        """
        if versions == self._learnt:
            return
        unusable: set[tuple[str, int]] = set()
        self._entries = {kind.value_type: self._read(kind, versions, unusable) for kind in self.kinds.values()}
        self._learnt, self.unusable, self._span = versions, frozenset(unusable), (ALWAYS, ALWAYS)

    def at(self, now: datetime) -> Standards:
        """The standards in force at an instant, as far as they are known now."""
        since, until = self._span
        if not since <= now < until:
            self._in_force, self._span = self._standards(now, ALWAYS), self._span_around(now)
        return self._in_force

    def on(self, day: date, known_at: datetime) -> Standards:
        """The standards by which a business day goes, among those approved by `known_at`; see `policy.moment_of`."""
        return self._standards(moment_of(day, known_at, self.calendar), known_at)

    def numbered(self, kind: type[S], number: int) -> S:
        """The version that a stored result names. Raises `LookupError` where it is not known here, or not yet."""
        for entry in self._entries[kind]:
            if entry.number == number:
                return cast("S", entry.standard)
        raise LookupError(f"no version {number} of {kind.__name__}")

    def begun(self, kind: type[S], at: datetime) -> list[S]:
        """The versions that had begun at an instant, the earliest first; before the first, the first."""
        entries = sorted(self._entries[kind], key=lambda entry: (entry.effective_at, entry.number))
        return [cast("S", entry.standard) for entry in entries if entry is entries[0] or entry.effective_at <= at]

    def _standards(self, at: datetime, known_at: datetime) -> Standards:
        return Standards(*(in_force(entries, at, known_at).standard for entries in self._entries.values()))

    def _span_around(self, now: datetime) -> tuple[datetime, datetime]:
        """From when until when the same versions are in force."""
        changes = sorted(entry.effective_at for entries in self._entries.values() for entry in entries)
        since = max((change for change in changes if change <= now), default=datetime.min.replace(tzinfo=UTC))
        return since, min((change for change in changes if change > now), default=ALWAYS)

    def _read(self, kind: Kind[Any], versions: Sequence[StandardVersion], unusable: set[tuple[str, int]]) -> list[_Entry[Any]]:
        dated = kind.shipped_versions(self.calendar)
        shipped = dict(zip((version.number for version in dated), kind.shipped, strict=True))
        learnt = [version for version in versions if version.kind == kind.name]
        first = min((version.number for version in learnt), default=ALWAYS_LATER)
        entries = [_entry(version, shipped[version.number]) for version in dated if version.number < first]
        for version in learnt:
            try:
                entries.append(_entry(version, kind.read(version, self.calendar.local_date(version.effective_at))))
            except Exception as error:  # whatever a body does, it is that version's alone: the others go on
                # A later release may ask more of a body than an earlier one wrote; what the package wrote, it still reads its own way.
                if version.approved_by is None and version.number in shipped:
                    entries.append(_entry(version, shipped[version.number]))
                    continue
                unusable.add((kind.name, version.number))
                log.warning("standard_unusable", kind=kind.name, number=version.number, error=type(error).__name__)
        return entries or [_entry(version, shipped[version.number]) for version in dated]


def _entry(version: StandardVersion, standard: S) -> _Entry[S]:
    return _Entry(version.number, version.approved_at, version.effective_at, standard)
