"""The bus: one protocol, two back ends (`kafka`, `embedded`), one behavioural suite that both must pass.

Guarantees of every back end
- **At least once.** A record that `Producer.send` reported as acknowledged is read by every group that subscribes, until that
  group has committed a later offset. A time-out or a lost connection means *unknown*: the record may be there once or more.
- **Order per partition.** Offsets of a partition grow, and a consumer sees them in that order. A key always maps to the same
  partition (murmur2 of the key, as Kafka's default partitioner). Nothing is promised across partitions.
- **One reader.** Within a group a partition is assigned to at most one live member; when a member dies its partitions move, and a
  commit by the former holder fails with `CommitFenced`.
- **Compaction** keeps at least the last record of each key; a record with value None (tombstone) removes the key in time.
  Readers of a compacted topic see gaps in the offsets.

Who may block: `poll` up to its time-out; `send` until every record is settled; all else returns within one round trip.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

CleanupPolicy = Literal["delete", "compact"]


class BusError(Exception):
    """The base of what a back end reports."""


class BusUnavailable(BusError):
    """The broker cannot be reached; try again later. What was in flight is *unknown*."""


class CommitFenced(BusError):
    """This member no longer holds the partition. The work is committed in the database; go on polling."""


class RecordRejected(BusError):
    """The broker will never take this record (too large, unknown topic)."""


@dataclass(frozen=True, slots=True, order=True)
class TopicPartition:
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as `guanxi_contracts/topics/*.yaml` fixes it; the partition count never changes."""

    name: str
    partitions: int
    cleanup: CleanupPolicy = "delete"
    retention_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to send. `key` fixes the partition; `value` None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int


class Producer(Protocol):
    """Sends records. Idempotent, acknowledged by all replicas. Not shared between tasks."""

    async def send(self, records: Sequence[Outgoing]) -> list[BusError | None]:
        """Send all and wait for all; the answer has one entry per record, None where it is acknowledged.

        Records of one partition are appended in the order given, except that one after a failed record may overtake it:
        a caller that needs order per key stops that key at its first error. After any error the producer replaces its
        connection by itself before the next call (a failed batch has used up its sequence number).
        """
        ...

    async def close(self) -> None: ...


AssignmentListener = Callable[[frozenset[TopicPartition]], Awaitable[None]]


class Consumer(Protocol):
    """One member of a group. Starts at the committed offset, else at the earliest; never commits by itself."""

    async def poll(self, *, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Record]]:
        """Return what there is, at once if there is any, else after at most `timeout` seconds; {} if nothing.

        Advances the position past what it returns. A caller that could not process it seeks back. Recovers from a lost broker
        by itself; while it is known to be away raises `BusUnavailable` at the time-out, with the position unchanged: poll again.
        """
        ...

    def assignment(self) -> frozenset[TopicPartition]: ...

    async def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from `offset` next; outside of the log that is its start. Does nothing for a partition that is no longer held;
        nor do `pause` and `resume`."""
        ...

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Return nothing from these until `resume` or until they are lost; membership and leases stay."""
        ...

    def resume(self, partitions: Iterable[TopicPartition]) -> None: ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Make `offset` (the next one to read) the group's position. Raises `CommitFenced`, `BusUnavailable`.

        When fenced, what is still held may or may not be stored; the next commit of the partition makes up for it.
        """
        ...

    async def start_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The least offset that each partition still has, its end where it has none. Raises `BusUnavailable`."""
        ...

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset that each partition's next record will get. Raises `BusUnavailable`."""
        ...

    async def position(self, partition: TopicPartition) -> int:
        """The offset that `poll` reads next. Raises `CommitFenced` if the partition is not held, `BusUnavailable`."""
        ...

    async def close(self) -> None:
        """Leave the group at once, so that the others need not wait for the lease to run out."""
        ...


class Bus(Protocol):
    """A broker."""

    async def ensure_topics(self, topics: Sequence[TopicSpec]) -> None:
        """Create what is missing; raise `BusError` where a partition count differs from the specification."""
        ...

    async def producer(self) -> Producer: ...

    async def consumer(
        self,
        *,
        group: str,
        topics: Sequence[str],
        on_assigned: AssignmentListener | None = None,
        on_revoked: AssignmentListener | None = None,
    ) -> Consumer:
        """Join the group. Raises `BusUnavailable`.

        A partition that was lost and came back is told as revoked or assigned before `poll` or `position` know its new hold.
        """
        ...

    async def close(self) -> None: ...
