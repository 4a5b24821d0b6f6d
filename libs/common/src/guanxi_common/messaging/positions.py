"""Where a group goes on reading a partition, and whether it may. Pure.

The position in the service's own database is the authority: it moves in the transaction of the effects, so a restored database
knows by itself what it has to read again. The offset committed to the bus is a copy, for the broker's fencing and for lag.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from guanxi_common.messaging.bus import Record, TopicPartition

LETTERS_COUNT_FOR: Final = timedelta(hours=1)
"""A partition's open dead letters of the last hour count against its limit; a raised limit holds for as long."""

Reset = Literal["below_start", "beyond_end"]
"""Why a position cannot be read from: retention has passed it, or the log was made anew or restored to an earlier state."""


ReadAgain = Mapping[TopicPartition, int]
"""The partitions that a rebuild reads once more, each up to the offset where the group stood before: below it all had its effects."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a group's position: `before` is the stored one (None: there is none yet), `after` the offset to read next.

    A step whose `before` is no longer stored was made by a member that has lost the partition: its transaction must fail.
    """

    at: TopicPartition
    before: int | None
    after: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored of a group's partition: where it goes on reading, and whether it may."""

    position: int
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What has become of the partitions of a batch: their new positions, and which of them have reached their limit there."""

    positions: Mapping[TopicPartition, int]
    paused: frozenset[TopicPartition] = frozenset()


def is_read_again(record: Record, again: ReadAgain) -> bool:
    """Whether the record had its effects before a rebuild began."""
    return record.offset < again.get(TopicPartition(record.topic, record.partition), 0)


def of_another_log(again: ReadAgain, ends: Mapping[TopicPartition, int]) -> frozenset[TopicPartition]:
    """The partitions whose log ends below what was read once: it was made anew, so nothing in it has had its effects."""
    return frozenset(at for at, end in ends.items() if again.get(at, 0) > end)


def read_from(position: int, start: int, end: int) -> tuple[int, Reset | None]:
    """Where to read on from a stored position, in a log that holds the offsets `start` to `end` - 1.

    Outside of the log it is the log's start, and the reason: what is read twice is recognised, what is passed over is lost.
    Position 0 asks for the whole log, wherever it begins, so it is never below the start.
    """
    if position > end:
        return start, "beyond_end"
    if position < start:
        return start, "below_start" if position else None
    return position, None
