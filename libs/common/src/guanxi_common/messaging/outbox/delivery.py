"""The order in which a batch of outbox rows is sent, and what becomes of each row. Pure: no broker, no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from guanxi_common.messaging.bus import BusError, Outgoing, RecordRejected
from guanxi_common.messaging.outbox.rows import PendingRow

KeyId = tuple[str, bytes]


@dataclass(slots=True)
class Outcome:
    """What became of the rows. A row is in at most one of `published`, `failed`, `remaining` and `set_aside`."""

    published: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    """sequence → error. The row stays as it is and is sent again."""
    remaining: dict[int, tuple[Outgoing, ...]] = field(default_factory=dict)
    """sequence → the records left in the row, all of them of blocked keys."""
    set_aside: dict[int, str] = field(default_factory=dict)
    """sequence → why the row cannot be read. It stays as it is behind its key."""
    blocked: dict[KeyId, tuple[PendingRow, str]] = field(default_factory=dict)
    """The keys newly blocked, with the row of the refused record and the error."""
    event_count: int = 0


class Delivery:
    """Sends rows in waves: a row waits until every earlier row of each of its keys was acknowledged.

    ```python
    while wave := delivery.next_wave():
        delivery.settle(await send(wave))
    ```
    A failure of unknown outcome stops the keys of its row for this batch; a refusal blocks the one key, and so does a row that cannot
    be read, once every row of its key before it is acknowledged.
    """

    def __init__(self, rows: Sequence[PendingRow], blocked: Iterable[KeyId]) -> None:
        self._waiting = list(rows)
        self._blocked = set(blocked)
        self._stopped: dict[KeyId, str] = {}
        self._wave: list[tuple[PendingRow, list[Outgoing]]] = []
        self.outcome = Outcome()

    def next_wave(self) -> list[Outgoing]:
        """The records that may be sent together now; empty when all the rows are settled."""
        busy: set[KeyId] = set()
        later: list[PendingRow] = []
        self._wave = []
        for row in self._waiting:
            if row.unreadable is not None:
                self._meet_unreadable(row, row.unreadable, busy, later)
                continue
            keys = {_key(record) for record in row.records} - self._blocked
            error = next((self._stopped[key] for key in keys if key in self._stopped), None)
            if error is not None:
                self._fail(row, error)
            elif keys & busy:
                later.append(row)
                busy |= keys
            elif not keys:
                self.outcome.remaining[row.sequence] = row.records
            else:
                self._wave.append((row, [record for record in row.records if _key(record) in keys]))
                busy |= keys
        self._waiting = later
        return [record for _, records in self._wave for record in records]

    def _meet_unreadable(self, row: PendingRow, reason: str, busy: set[KeyId], later: list[PendingRow]) -> None:
        key = (row.topic, row.blocks)
        if key in busy:
            later.append(row)
        elif key in self._stopped:
            self._fail(row, self._stopped[key])
        else:
            self.outcome.set_aside[row.sequence] = reason
            if key not in self._blocked:
                self._blocked.add(key)
                self.outcome.blocked[key] = (row, reason)

    def settle(self, results: Sequence[BusError | None]) -> None:
        """Take the outcomes of the records of the last wave, in their order."""
        answers = iter(results)
        for row, sent in self._wave:
            outcomes = [next(answers) for _ in sent]
            unknown = next((error for error in outcomes if error and not isinstance(error, RecordRejected)), None)
            if unknown is not None:
                self._fail(row, _text(unknown))
                continue
            self.outcome.event_count += sum(error is None for error in outcomes)
            for record, error in zip(sent, outcomes, strict=True):
                if error is not None and _key(record) not in self._blocked:
                    self._blocked.add(_key(record))
                    self.outcome.blocked[_key(record)] = (row, _text(error))
            acknowledged = {id(record) for record, error in zip(sent, outcomes, strict=True) if error is None}
            left = tuple(record for record in row.records if id(record) not in acknowledged)
            if left:
                self.outcome.remaining[row.sequence] = left
            else:
                self.outcome.published.append(row.sequence)

    def _fail(self, row: PendingRow, error: str) -> None:
        self.outcome.failed[row.sequence] = error
        self._stopped.update(dict.fromkeys((_key(record) for record in row.records), error))


def _key(record: Outgoing) -> KeyId:
    return record.topic, record.key


def _text(error: BusError) -> str:
    return f"{type(error).__name__}: {error}"
