"""What a digest is, and when a difference counts. Pure.

A digest of one type has 256 buckets. Each holds the sum, modulo 2^64, of a hash of every live row: 64 bits of MD5 over the row's canonical
text, which owner and consumer select alike. MD5 stands against accident, not against forgers, and both PostgreSQL and Python have it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import Final

BUCKETS: Final = 256
_MODULUS: Final = 2**64

Sums = Mapping[int, int]
"""Sum by bucket, 0 where it is missing."""

Difference = tuple[int, int]
"""The owner's sum of a bucket, and our own."""


@dataclass(frozen=True, slots=True)
class Digested:
    """`rows` is the SELECT of a type's live rows: `key`, which names the bucket, and `content`, the canonical text.

    With `dated` it takes `$1`, the last business date that counts: what is booked later still moves all day. `topics`: those of the
    owner on which the rows travel, and at whose ends its digest holds.
    """

    type: str
    rows: str
    dated: bool = False
    topics: Sequence[str] = ()

    def statement(self) -> str:
        """The sums by bucket, in one scan."""
        return (
            "SELECT get_byte(decode(md5(key), 'hex'), 0) AS bucket, sum(('x' || left(md5(content), 16))::bit(64)::bigint)::text AS sum"  # noqa: S608  # text of ours
            f" FROM ({self.rows}) AS live GROUP BY 1"
        )


def bucket_of(key: str) -> int:
    """The bucket of a key, as the statement finds it."""
    return md5(key.encode(), usedforsecurity=False).digest()[0]


def hash_of(content: str) -> int:
    """The hash of a row, as the statement makes it."""
    return int.from_bytes(md5(content.encode(), usedforsecurity=False).digest()[:8], signed=True)


def reduced(sum_: int) -> int:
    """A sum as it is compared: modulo 2^64, from 0 on."""
    return sum_ % _MODULUS


def differences(owner: Sums, own: Sums) -> dict[int, Difference]:
    """The buckets that differ, each with the owner's sum and our own."""
    sums = {bucket: (reduced(owner.get(bucket, 0)), reduced(own.get(bucket, 0))) for bucket in range(BUCKETS)}
    return {bucket: (theirs, ours) for bucket, (theirs, ours) in sums.items() if theirs != ours}


def confirmed(before: Mapping[int, Difference], now: Mapping[int, Difference]) -> list[int]:
    """The buckets that differ and stood still on both sides since the comparison before.

    What was merely under way has arrived by the next comparison, and has then moved one of the sums.
    """
    return sorted(bucket for bucket, difference in now.items() if before.get(bucket) == difference)


def is_past(positions: Mapping[str, int], offsets: Mapping[str, int]) -> bool:
    """Whether a consumer has read the digest's topics as far as it holds; both by `<topic>[<partition>]`."""
    return all(positions.get(place, 0) >= offset for place, offset in offsets.items())


def in_text(sums: Sums) -> Sequence[str]:
    """The sums as they travel: one text a bucket, because JSON numbers of many readers end at 2^53."""
    return [str(reduced(sums.get(bucket, 0))) for bucket in range(BUCKETS)]


def of_text(texts: Sequence[str]) -> dict[int, int]:
    return {bucket: int(text) for bucket, text in enumerate(texts)}
