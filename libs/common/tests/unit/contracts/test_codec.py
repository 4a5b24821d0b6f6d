"""The codec: what goes out comes back, in the form that the CloudEvents library reads and writes too."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from guanxi_common.messaging.bus import Outgoing, Record
from guanxi_common.messaging.envelope import Envelope
from guanxi_contracts.codec import MAX_VALUE_BYTES, DecodeError, decode, encode
from hypothesis import given
from hypothesis import strategies as st

EVENT = Envelope(
    id=UUID("0192f0c4-6b1e-7c3a-9d52-3a1f0c9be101"),
    type="guanxi.customer.changed.v1",
    topic="customer.changes",
    key="0192f0c4-6b1e-7c3a-9d52-3a1f0c9be102",
    source="/customer-svc",
    time=datetime(2026, 11, 23, 2, 15, 30, 250_000, tzinfo=UTC),
    data={"customer_id": "0192f0c4-6b1e-7c3a-9d52-3a1f0c9be102", "changed_fields": ["地址"]},
    aggregate_version=7,
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    causation_id="0192f0c4-6b1e-7c3a-9d52-3a1f0c9be103",
    actor="staff:0192f0c4-6b1e-7c3a-9d52-3a1f0c9be104",
    extensions={"datasetorigin": "generated"},
)


def as_read(outgoing: Outgoing) -> Record:
    return Record(outgoing.topic, 0, 0, outgoing.key, outgoing.value, outgoing.headers, 1_795_400_000_000)


def with_header(record: Record, name: str, value: bytes | None) -> Record:
    kept = tuple(header for header in record.headers if header[0] != name)
    return replace(record, headers=kept if value is None else (*kept, (name, value)))


TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(
    data=st.dictionaries(TEXT, JSON_VALUES, max_size=4),
    version=st.none() | st.integers(1, 10**18 - 1),
    time=st.datetimes(datetime(1970, 1, 1), datetime(2200, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  # the strategy adds the zone
    actor=st.none() | TEXT,
)
def test_every_event_survives_the_way(data: dict[str, Any], version: int | None, time: datetime, actor: str | None) -> None:
    event = replace(EVENT, data=data, aggregate_version=version, time=time, actor=actor)
    assert decode(as_read(encode(event))) == event


def test_a_tombstone_survives_the_way() -> None:
    tombstone = replace(EVENT, topic="customer.snapshots", type="guanxi.customer.snapshot.v1", data=None)
    outgoing = encode(tombstone)
    assert outgoing.value is None
    assert decode(as_read(outgoing)) == tombstone


def test_a_time_of_another_zone_goes_out_as_utc() -> None:
    shanghai = replace(EVENT, time=EVENT.time.astimezone(timezone(timedelta(hours=8))))
    assert dict(encode(shanghai).headers)["ce_time"] == b"2026-11-23T02:15:30.250000Z"


def test_the_cloudevents_library_reads_ours() -> None:
    outgoing = encode(EVENT)
    theirs = kafka.from_binary_event(kafka.KafkaMessage(dict(outgoing.headers), outgoing.key, outgoing.value or b""))
    assert (theirs.get_id(), theirs.get_type(), theirs.get_source()) == (str(EVENT.id), EVENT.type, EVENT.source)
    assert theirs.get_time() == EVENT.time
    assert theirs.get_data() == EVENT.data
    assert theirs.get_datacontenttype() == "application/json"
    ours = {"aggregateversion": "7", "traceparent": EVENT.traceparent, "causationid": EVENT.causation_id, "actor": EVENT.actor}
    ours |= EVENT.extensions
    assert {name: theirs.get_extension(name) for name in ours} == ours
    assert theirs.get_extension("partitionkey") == EVENT.key


def test_we_read_what_the_cloudevents_library_writes() -> None:
    theirs = CloudEvent(
        {
            "id": str(EVENT.id),
            "type": EVENT.type,
            "source": EVENT.source,
            "time": EVENT.time,
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "partitionkey": EVENT.key,
            "aggregateversion": 7,
            "traceparent": EVENT.traceparent,
            "causationid": EVENT.causation_id,
            "actor": EVENT.actor,
            "datasetorigin": "generated",
        },
        EVENT.data,
    )
    message = kafka.to_binary_event(theirs)
    key = message.key.encode() if isinstance(message.key, str) else message.key
    assert decode(Record(EVENT.topic, 0, 0, key, message.value, tuple(message.headers.items()), 0)) == EVENT


def test_without_a_time_the_records_timestamp_stands_in() -> None:
    event = decode(with_header(as_read(encode(EVENT)), "ce_time", None))
    assert event.time == datetime.fromtimestamp(1_795_400_000, UTC)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ce_id", None, "missing_attribute"),
        ("ce_id", b"17", "invalid_attribute"),
        ("ce_type", None, "missing_attribute"),
        ("ce_type", b"\xff", "invalid_attribute"),
        ("ce_source", None, "missing_attribute"),
        ("ce_specversion", None, "missing_attribute"),
        ("ce_specversion", b"0.3", "unsupported_specversion"),
        ("ce_actor", b"staff:\0", "invalid_attribute"),
        ("ce_time", b"yesterday", "invalid_attribute"),
        ("ce_time", b"2026-11-23T02:15:30", "invalid_attribute"),
        ("ce_aggregateversion", b"0", "invalid_attribute"),
        ("ce_aggregateversion", b"-1", "invalid_attribute"),
        ("ce_aggregateversion", "٣".encode(), "invalid_attribute"),
        ("content-type", b"application/avro", "unsupported_content_type"),
    ],
)
def test_a_bad_header_is_refused_with_its_reason(name: str, value: bytes | None, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(with_header(as_read(encode(EVENT)), name, value))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "unexpected_tombstone"),
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": "\\ud800"}', "invalid_json"),
        (b'{"a": ["\\u0000"]}', "invalid_json"),
        (b'{"\\u0000": 1}', "invalid_json"),
        (b'{"a":' * 200_000, "invalid_json"),
        (b"[1]", "not_an_object"),
        (b'"x"', "not_an_object"),
        (b'{"a": "' + b"x" * MAX_VALUE_BYTES + b'"}', "too_large"),
    ],
    ids=lambda value: value[:12].decode(errors="replace") if isinstance(value, bytes) else None,
)
def test_a_bad_value_is_refused_with_its_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(replace(as_read(encode(EVENT)), value=value))
    assert caught.value.reason == reason


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert decode(replace(as_read(encode(EVENT)), value=b'{"a": "\\\\u0000"}')).data == {"a": "\\u0000"}


def test_a_record_without_a_key_is_refused() -> None:
    with pytest.raises(DecodeError, match="missing_key"):
        decode(replace(as_read(encode(EVENT)), key=None))


def test_the_error_never_repeats_what_it_read() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(replace(as_read(encode(EVENT)), value=b'{"identity": "11010519491231002X"'))
    assert "1101" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "event",
    [
        replace(EVENT, time=datetime(2026, 11, 23)),  # noqa: DTZ001  # naive on purpose
        replace(EVENT, extensions={"Bad-Name": "x"}),
        replace(EVENT, extensions={"actor": "staff:other"}),
        replace(EVENT, data={"note": "x" * MAX_VALUE_BYTES}),
    ],
    ids=["naive time", "extension name", "extension clash", "too large"],
)
def test_what_could_not_be_read_is_not_sent(event: Envelope) -> None:
    with pytest.raises(ValueError, match=r"aware|extension|large"):
        encode(event)
