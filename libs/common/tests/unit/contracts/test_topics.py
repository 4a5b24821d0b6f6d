"""Topics and schemas hold together: every type has one topic, a schema and examples, and `validate` says where an event fails."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.messaging.envelope import Envelope
from guanxi_contracts.topics import (
    ContractViolation,
    UnknownType,
    event_types,
    examples_of,
    is_unsupported_version,
    load_topics,
    schema_of,
    topic_of,
    topic_specs,
    validate,
    validate_data,
)

SERVICES = {"customer-svc", "engagement-svc", "scoring-svc"}
OF_FEW_RECORDS = {"customer.digests", "scoring.digests"}
"""Some records a day: more partitions would only be more to watch."""


def event(type_: str, **changes: Any) -> Envelope:
    topic = topic_of(type_)
    version = None if topic.kind == "facts" else 1
    data = dict(examples_of(type_)["typical"])
    envelope = Envelope(uuid4(), type_, topic.name, "k", "/test", datetime(2026, 11, 23, tzinfo=UTC), data, version)
    return replace(envelope, **changes)


def test_every_type_has_a_schema_and_one_topic() -> None:
    carried = [type_ for topic in load_topics().values() for type_ in topic.types]
    assert sorted(carried) == list(event_types())


def test_a_topic_file_is_named_after_its_topic_and_complete() -> None:
    for name, topic in load_topics().items():
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)+", name)
        assert topic.description
        assert (topic.partitions_production, topic.partitions_test) == (4 if name in OF_FEW_RECORDS else 48, 4)
        assert topic.producers
        assert set(topic.producers) <= SERVICES | {"core_banking"}


def test_snapshots_are_compacted_and_kept_and_nothing_else_is() -> None:
    for topic in load_topics().values():
        assert (topic.kind == "snapshots") == (topic.cleanup == "compact") == (topic.retention_days is None)


def test_consumers_read_what_their_topic_carries() -> None:
    for topic in load_topics().values():
        for consumer in topic.consumers:
            assert consumer.service in SERVICES
            assert set(consumer.types) <= set(topic.types)


def test_specs_carry_the_partitions_of_the_occasion() -> None:
    assert {spec.partitions for spec in topic_specs(test=True)} == {4}
    few = {spec.name for spec in topic_specs(test=False) if spec.partitions == 4}
    assert few == OF_FEW_RECORDS
    assert {spec.partitions for spec in topic_specs(test=False) if spec.name not in few} == {48}
    by_name = {spec.name: spec for spec in topic_specs(test=False)}
    assert by_name["customer.snapshots"].cleanup == "compact"
    assert by_name["customer.snapshots"].retention_ms is None
    assert by_name["bank.transactions"].retention_ms == 90 * 86_400_000


@pytest.mark.parametrize("type_", event_types())
def test_schemas_are_open_named_and_described(type_: str) -> None:
    schema = schema_of(type_)
    assert schema["$id"] == f"urn:guanxi:schema:{type_.removeprefix('guanxi.')}"
    assert schema["title"]
    assert "additionalProperties" not in schema
    assert set(schema["required"]) <= set(schema["properties"])


def test_a_typical_event_is_valid_and_may_hold_a_new_field() -> None:
    good = event("guanxi.transaction.posted.v1")
    validate(good)
    validate(replace(good, data={**(good.data or {}), "added_in_a_later_release": 1}))


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("booked_on", "2026-13-01", "format"),
        ("booked_on", "2026-11-23T00:00:00Z", "format"),
        ("occurred_at", "2026-11-23T00:00:00", "anyOf"),
        ("customer_id", "17", "format"),
        ("money", {"amount": 1.5, "currency": "CNY"}, "type"),
        ("money", {"amount": 2**63, "currency": "CNY"}, "maximum"),
        ("money", {"amount": 1, "currency": "cny"}, "pattern"),
        ("code", "", "minLength"),
        ("code", "a\nb", "pattern"),
    ],
)
def test_a_bad_field_is_named_and_never_repeated(field: str, value: object, rule: str) -> None:
    data = {**examples_of("guanxi.transaction.posted.v1")["typical"], field: value}
    with pytest.raises(ContractViolation) as caught:
        validate_data("guanxi.transaction.posted.v1", data)
    assert caught.value.pointer.startswith(f"/{field}")
    assert caught.value.rule == rule
    assert repr(value) not in str(caught.value)


def test_a_report_is_a_posting_or_a_reversal_never_both_or_neither() -> None:
    posting = dict(examples_of("guanxi.transaction.reported.v1")["minimal"])
    bare = {name: value for name, value in posting.items() if name != "money"}
    for data in (bare, {**posting, "reverses": "T1"}):
        with pytest.raises(ContractViolation, match="oneOf"):
            validate_data("guanxi.transaction.reported.v1", data)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (event("guanxi.transaction.posted.v1", topic="bank.accounts"), "topic"),
        (event("guanxi.transaction.posted.v1", aggregate_version=1), "aggregate_version"),
        (event("guanxi.customer.changed.v1", aggregate_version=None), "aggregate_version"),
        (event("guanxi.customer.changed.v1", data=None), "tombstone"),
    ],
)
def test_an_event_must_fit_its_topic(broken: Envelope, rule: str) -> None:
    with pytest.raises(ContractViolation) as caught:
        validate(broken)
    assert caught.value.rule == rule


def test_a_snapshot_may_be_a_tombstone() -> None:
    validate(event("guanxi.customer.snapshot.v1", data=None))
    with pytest.raises(ContractViolation, match="aggregate_version"):
        validate(event("guanxi.customer.snapshot.v1", data=None, aggregate_version=None))


def test_an_unknown_type_is_told_from_an_unknown_version() -> None:
    assert is_unsupported_version("guanxi.transaction.posted.v2")
    assert not is_unsupported_version("guanxi.transaction.posted.v1")
    assert not is_unsupported_version("guanxi.transaction.pondered.v1")
    with pytest.raises(UnknownType):
        schema_of("guanxi.transaction.posted.v2")
    with pytest.raises(UnknownType):
        topic_of("guanxi.transaction.posted.v2")
