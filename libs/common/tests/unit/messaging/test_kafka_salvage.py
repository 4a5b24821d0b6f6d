"""7.1: what of Kafka's batches can be read is read, and what cannot is one record that is set aside."""

import pytest
from aiokafka.record.default_records import DefaultRecordBatch
from guanxi_common.messaging.arrivals import arrive
from guanxi_common.messaging.bus import Outgoing, TopicPartition
from guanxi_common.messaging.kafka.salvage import UNREADABLE_BATCH, parse
from guanxi_testing.fabric import FACTS, fact
from guanxi_testing.kafka_batches import STRANGE_NAME, batch_of

AT = TopicPartition(FACTS, 1)
GOOD = [fact(f"c{n}", n) for n in range(3)]
STRANGE = Outgoing(FACTS, b"strange", b"{}", (*GOOD[0].headers, (STRANGE_NAME, b"x")))


def test_7_1_good_batches_are_read_as_they_are_from_the_position_on() -> None:
    read = parse(AT, batch_of(GOOD) + batch_of(GOOD, base=3), 2)
    assert [(record.offset, record.key) for record in read.records] == [(2, b"c2"), (3, b"c0"), (4, b"c1"), (5, b"c2")]
    assert (read.next, read.unreadable) == (6, False)
    assert read.records[0].headers == GOOD[2].headers
    assert read.records[0].value == GOOD[2].value


def test_7_1_a_header_s_name_that_is_not_utf_8_is_one_record_s_flaw() -> None:
    data = batch_of([GOOD[0], STRANGE, GOOD[1]])
    with pytest.raises(UnicodeDecodeError):
        list(DefaultRecordBatch(data))
    read = parse(AT, data, 0)
    assert [record.key for record in read.records] == [b"c0", b"strange", b"c1"]
    assert [arrive(record).reason for record in read.records] == ["", "invalid_attribute", ""]
    assert (read.next, read.unreadable) == (3, True)


@pytest.mark.parametrize(
    "bad", [batch_of(GOOD, base=3, corrupt=True), batch_of(GOOD, base=3, codec=3)], ids=["corrupt", "codec-that-is-not-here"]
)
def test_7_1_a_batch_that_cannot_be_read_is_one_record_in_the_place_of_its_last(bad: bytes) -> None:
    read = parse(AT, batch_of(GOOD) + bad + batch_of(GOOD, base=6), 0)
    assert [record.offset for record in read.records] == [0, 1, 2, 5, 6, 7, 8]
    stand_in = read.records[3]
    assert (stand_in.key, stand_in.value, stand_in.headers[0][0]) == (None, bad, UNREADABLE_BATCH)
    assert arrive(stand_in).reason == "missing_key"
    assert (read.next, read.unreadable) == (9, True)


def test_7_1_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    data = batch_of(GOOD) + batch_of(GOOD, base=3)
    for length in (len(data) - 1, len(batch_of(GOOD)) + 5, len(batch_of(GOOD))):
        assert parse(AT, data[:length], 0).next == 3
    assert parse(AT, b"", 7).next == 7
