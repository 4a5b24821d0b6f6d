"""How a group's partitions are shared: whatever the start, acting in turn ends with all held and nobody over the due."""

from uuid import UUID

from guanxi_common.messaging.embedded.shares import Seat, share_of
from hypothesis import given
from hypothesis import strategies as st

MEMBERS = [UUID(int=number) for number in range(1, 6)]


def settle(members: dict[UUID, list[int]], seats: list[Seat]) -> tuple[list[Seat], int]:
    """Let each member act until nothing changes; returns the seats and how many changed hands."""
    moved = 0
    for _ in range(20):
        before = seats
        for member in members:
            share = share_of(member, members, seats)
            assert not share.claim & {seat.log_id for seat in seats if seat.holder is not None}, "claims only what is free"
            seats = [
                Seat(seat.log_id, seat.topic_id, member)
                if seat.log_id in share.claim
                else Seat(seat.log_id, seat.topic_id, None)
                if seat.log_id in share.release
                else seat
                for seat in seats
            ]
            moved += len(share.release)
        if seats == before:
            return seats, moved
    raise AssertionError("the members do not come to rest")


@given(
    st.integers(1, 5),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.data(),
)
def test_members_come_to_rest_with_even_shares(count: int, sizes: list[int], data: st.DataObject) -> None:
    topics = list(range(len(sizes)))
    members = dict.fromkeys(MEMBERS[:count], topics)
    holders = st.sampled_from([None, *members])
    seats = [Seat(100 * topic + number, topic, data.draw(holders)) for topic, size in enumerate(sizes) for number in range(size)]
    settled, _ = settle(members, seats)
    for topic, size in enumerate(sizes):
        held = [sum(seat.holder == member and seat.topic_id == topic for seat in settled) for member in members]
        assert sum(held) == size
        assert max(held) - min(held) <= 1


def test_only_members_that_read_the_topic_get_its_partitions() -> None:
    one, two = MEMBERS[:2]
    seats = [Seat(1, 1, None), Seat(2, 1, None), Seat(3, 2, None), Seat(4, 2, None)]
    settled, _ = settle({one: [1, 2], two: [2]}, seats)
    assert {seat.holder for seat in settled if seat.topic_id == 1} == {one}
    assert {seat.holder for seat in settled if seat.topic_id == 2} == {one, two}


def test_a_newcomer_moves_no_more_than_its_due() -> None:
    one, two, three = MEMBERS[:3]
    seats = [Seat(number, 1, one if number < 6 else two) for number in range(12)]
    _, moved = settle({one: [1], two: [1], three: [1]}, seats)
    assert moved == 4
