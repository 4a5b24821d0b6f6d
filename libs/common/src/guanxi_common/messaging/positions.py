"""Where a group goes on reading a partition. Pure.

The position in the service's own database is the authority: it moves in the transaction of the effects, so a restored database
knows by itself what it has to read again. The offset committed to the bus is a copy, for the broker's fencing and for lag.
"""

from dataclasses import dataclass
from typing import Literal

from guanxi_common.messaging.bus import TopicPartition

Reset = Literal["below_start", "beyond_end"]
"""Why a position cannot be read from: retention has passed it, or the log was made anew or restored to an earlier state."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a group's position: `before` is the stored one (None: there is none yet), `after` the offset to read next.

    A step whose `before` is no longer stored was made by a member that has lost the partition: its transaction must fail.
    """

    at: TopicPartition
    before: int | None
    after: int


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
