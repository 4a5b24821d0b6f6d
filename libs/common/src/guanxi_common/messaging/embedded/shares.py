"""How a group's partitions are shared among its members. Pure; every member computes its own part under the group's lock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Seat:
    """One partition as the group's lease table shows it; `holder` None is free."""

    log_id: int
    topic_id: int
    holder: UUID | None


@dataclass(frozen=True, slots=True)
class Share:
    """What one member should do: take these free partitions, give up those."""

    claim: frozenset[int]
    release: frozenset[int]


def share_of(me: UUID, members: Mapping[UUID, Sequence[int]], seats: Iterable[Seat]) -> Share:
    """My share. `members` maps each live member to the topics it reads.

    Per topic, each member is due the number of partitions divided by the number of members; the remainder goes to those who hold
    most, so that nothing moves without need. When all have acted on their shares, nothing is free and nobody has a surplus.
    """
    claim: set[int] = set()
    release: set[int] = set()
    by_topic: defaultdict[int, list[Seat]] = defaultdict(list)
    for seat in seats:
        by_topic[seat.topic_id].append(seat)
    for topic in members[me]:
        held: dict[UUID, list[int]] = {member: [] for member, topics in members.items() if topic in topics}
        free: list[int] = []
        for seat in sorted(by_topic[topic], key=lambda seat: seat.log_id):
            if seat.holder is None:
                free.append(seat.log_id)
            elif seat.holder in held:
                held[seat.holder].append(seat.log_id)
        # The checksum spreads the remainders of several topics over the members.
        ranked = sorted(held, key=lambda member: (-len(held[member]), crc32(member.bytes + topic.to_bytes(4, "big"))))
        due, remainder = divmod(len(by_topic[topic]), len(held))
        due += ranked.index(me) < remainder
        claim.update(free[: max(0, due - len(held[me]))])
        release.update(held[me][due:])
    return Share(frozenset(claim), frozenset(release))
