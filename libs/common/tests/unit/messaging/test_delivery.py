"""The order in which the relay sends, and what becomes of each row, without a broker."""

from collections.abc import Callable, Sequence

import pytest
from guanxi_common.messaging.bus import BusError, BusUnavailable, Outgoing, RecordRejected
from guanxi_common.messaging.outbox.delivery import Delivery
from guanxi_common.messaging.outbox.rows import (
    SHARDS,
    PendingRow,
    common_key,
    group_by_shard,
    pack,
    pending_row,
    shard_of,
    unpack,
)

TOPIC = "customer.changes"
Answer = Callable[[Outgoing], BusError | None]


def row(sequence: int, *keys: str) -> PendingRow:
    records = tuple(Outgoing(TOPIC, key.encode(), f"{key}{sequence}".encode()) for key in keys)
    return PendingRow(sequence, 0, TOPIC, records)


def acknowledge(record: Outgoing) -> BusError | None:
    return None


def deliver(
    rows: Sequence[PendingRow], answer: Answer = acknowledge, *, blocked: Sequence[str] = ()
) -> tuple[Delivery, list[list[str]]]:
    """Run a delivery to its end; returns it with the values sent, wave by wave."""
    delivery = Delivery(rows, [(TOPIC, key.encode()) for key in blocked])
    waves = []
    while wave := delivery.next_wave():
        waves.append([(record.value or b"").decode() for record in wave])
        delivery.settle([answer(record) for record in wave])
    return delivery, waves


def fails(key: str, error: BusError) -> Answer:
    return lambda record: error if record.key == key.encode() else None


def test_different_keys_go_together_and_the_same_key_one_row_after_the_other() -> None:
    delivery, waves = deliver([row(1, "a"), row(2, "b"), row(3, "a"), row(4, "a", "c"), row(5, "c")])
    assert waves == [["a1", "b2"], ["a3"], ["a4", "c4"], ["c5"]]
    assert sorted(delivery.outcome.published) == [1, 2, 3, 4, 5]
    assert delivery.outcome.event_count == 6


def test_an_unknown_outcome_stops_the_keys_of_its_row_and_no_others() -> None:
    delivery, waves = deliver(
        [row(1, "a", "c"), row(2, "b"), row(3, "a"), row(4, "c"), row(5, "b")], fails("a", BusUnavailable("?"))
    )
    assert waves == [["a1", "c1", "b2"], ["b5"]]
    assert delivery.outcome.failed.keys() == {1, 3, 4}
    assert delivery.outcome.published == [2, 5]


def test_a_refusal_blocks_its_key_and_leaves_its_records() -> None:
    delivery, waves = deliver([row(1, "a", "b"), row(2, "a"), row(3, "b")], fails("a", RecordRejected("too large")))
    assert waves == [["a1", "b1"], ["b3"]]
    outcome = delivery.outcome
    assert {number: [record.key for record in left] for number, left in outcome.remaining.items()} == {1: [b"a"], 2: [b"a"]}
    assert [(key, blocked[0].sequence) for key, blocked in outcome.blocked.items()] == [((TOPIC, b"a"), 1)]
    assert outcome.published == [3]


def test_a_key_that_is_blocked_is_not_sent() -> None:
    delivery, waves = deliver([row(1, "a"), row(2, "a", "b")], blocked=["a"])
    assert waves == [["b2"]]
    assert {number: len(left) for number, left in delivery.outcome.remaining.items()} == {1: 1, 2: 1}


def test_a_row_comes_back_from_its_payload() -> None:
    records = (Outgoing(TOPIC, b"a", b"1", (("ce_id", b"x"),)), Outgoing(TOPIC, b"b", None))
    assert unpack(TOPIC, pack(records)) == records
    assert (common_key(records), common_key(records[:1])) == (None, "a")


def test_a_key_has_one_shard_for_ever() -> None:
    keys = [f"customer {n}".encode() for n in range(500)]
    assert {shard_of(key) for key in keys} == set(range(SHARDS))
    assert shard_of(b"0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10") == 11
    grouped = group_by_shard(Outgoing(TOPIC, key, b"") for key in keys)
    assert all(shard_of(record.key) == shard for (_, shard), records in grouped.items() for record in records)


def unreadable(sequence: int, key: str | None) -> PendingRow:
    return pending_row(sequence, 0, TOPIC, key, b"\xc1 written by nobody", 0)


def test_7_1_a_row_that_cannot_be_read_blocks_its_key_once_the_rows_before_it_are_sent() -> None:
    delivery, waves = deliver([row(1, "a"), unreadable(2, "a"), row(3, "a"), row(4, "b"), unreadable(5, "a")])
    assert waves == [["a1", "b4"]]
    outcome = delivery.outcome
    assert outcome.published == [1, 4]
    assert list(outcome.set_aside) == [2, 5]
    assert list(outcome.remaining) == [3]
    assert [(key, blocked[0].sequence) for key, blocked in outcome.blocked.items()] == [((TOPIC, b"a"), 2)]


def test_7_1_an_unreadable_row_behind_a_key_of_unknown_outcome_waits_with_it() -> None:
    delivery, _ = deliver([row(1, "a"), unreadable(2, "a")], fails("a", BusUnavailable("?")))
    assert delivery.outcome.failed.keys() == {1, 2}
    assert delivery.outcome.set_aside == {}


def test_7_1_an_unreadable_row_of_many_keys_stands_alone() -> None:
    delivery, waves = deliver([unreadable(7, None), row(8, "a"), unreadable(9, None)])
    assert waves == [["a8"]]
    assert list(delivery.outcome.set_aside) == [7, 9]
    assert [key for _, key in delivery.outcome.blocked] == [b"outbox row 7", b"outbox row 9"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x90",  # a list of nothing
        b"\xc1",  # no MessagePack at all
        b"\x91\x92\xc4\x01a\xc4\x01b",  # a record of two parts
        b"\x82\xa6shared\x90\xa5facts\x90",  # facts without one
        b"\x82\xa6shared\x90\xa6others\x91\xc0",  # a map of a later release
        pack([Outgoing(TOPIC, b"k", b"v")])[:-3],
        b"\xdd\xff\xff\xff\xff",  # a list that says it has four billion
    ],
)
def test_7_1_whatever_a_row_holds_reading_it_never_raises(payload: bytes) -> None:
    read = pending_row(1, 0, TOPIC, "k", payload, 0)
    assert read.records == ()
    assert read.unreadable
