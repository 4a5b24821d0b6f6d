"""Good requests of what every service has: the operators' operations, and those on operations (D9)."""

from typing import Any
from uuid import uuid4

from guanxi_common.messaging.bus import Outgoing, Record
from guanxi_common.messaging.inbox import pack as pack_record
from guanxi_common.messaging.outbox.rows import pack as pack_rows
from guanxi_common.messaging.outbox.rows import shard_of

from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House


def operator_requests(house: House) -> GoodRequests:
    def letter(service: str, target: str) -> str:
        return _dead_letter(house, service) if target == "existing" else str(uuid4())

    def aside(service: str, target: str) -> str:
        return _set_aside_item(house, service) if target == "existing" else str(uuid4())

    def operation(service: str, target: str, state: str = "queued") -> str:
        return _operation(house, service, target, state) if target != "missing" else str(uuid4())

    def base(service: str) -> str:
        return f"/v1/{service}-svc"

    return {
        "listDeadLetters": lambda s, _: (f"{base(s)}/dead-letters", None),
        "listDigests": lambda s, _: (f"{base(s)}/digests", None),
        "showDeadLetter": lambda s, t: (f"{base(s)}/dead-letters/{letter(s, t)}", None),
        "replayDeadLetter": lambda s, t: (f"{base(s)}/dead-letters/{letter(s, t)}:replay", None),
        "skipDeadLetter": lambda s, t: (f"{base(s)}/dead-letters/{letter(s, t)}:skip", None),
        "listSetAsideItems": lambda s, _: (f"{base(s)}/set-aside-items", None),
        "showSetAsideItem": lambda s, t: (f"{base(s)}/set-aside-items/{aside(s, t)}", None),
        "retrySetAsideItem": lambda s, t: (f"{base(s)}/set-aside-items/{aside(s, t)}:retry", None),
        "listOperations": lambda s, _: (f"{base(s)}/operations", None),
        "readOperation": lambda s, t: (f"{base(s)}/operations/{operation(s, t)}", None),
        "listOperationErrors": lambda s, t: (f"{base(s)}/operations/{operation(s, t)}/errors", None),
        "cancelOperation": lambda s, t: (f"{base(s)}/operations/{operation(s, t)}:cancel", None),
        "retryOperation": lambda s, t: (f"{base(s)}/operations/{operation(s, t, 'failed')}:retry", None),
        "listParkedEvents": lambda s, _: (f"{base(s)}/parked-events", None),
        "acceptGap": lambda s, t: (f"{base(s)}/parked-events:acceptGap", _gap(house, s, t)),
        "listBlockedKeys": lambda s, _: (f"{base(s)}/blocked-keys", None),
        "retryBlockedKey": lambda s, t: (f"{base(s)}/blocked-keys:retry", _blocked(house, s, t)),
        "skipBlockedRecord": lambda s, t: (f"{base(s)}/blocked-keys:skip", _blocked(house, s, t)),
        "listPausedPartitions": lambda s, _: (f"{base(s)}/paused-partitions", None),
        "resumePartition": lambda s, t: (f"{base(s)}/paused-partitions:resume", {**_paused(house, s, t), "limit": 500}),
        "skipPartitionLetters": lambda s, t: (f"{base(s)}/paused-partitions:skip", _paused(house, s, t)),
    }


def _dead_letter(house: House, service: str) -> str:
    """An open dead letter of the service; returns its id."""
    letter_id = uuid4()
    record = pack_record(Record("customer.snapshots", 0, letter_id.int % 2**60, b"k", b"no JSON", (), 0))
    house.fetch(
        service,
        'INSERT INTO dead_letter (id, consumer, topic, partition, "offset", key, record, reason, error)'
        " VALUES ($1, $2, 'customer.snapshots', 0, $3, 'k', $4, 'malformed', 'malformed')",
        letter_id,
        service,
        letter_id.int % 2**60,
        record,
    )
    return str(letter_id)


def _set_aside_item(house: House, service: str) -> str:
    """An item of no queue that there is; returns its id."""
    item_id = uuid4()
    house.fetch(
        service,
        "INSERT INTO set_aside_item (id, queue, item, attempts, reason, error, first_failed_at, last_failed_at)"
        " VALUES ($1, 'contract', $2, 3, 'ValueError', 'ValueError', now(), now())",
        item_id,
        str(item_id),
    )
    return str(item_id)


def _operation(house: House, service: str, target: str, state: str) -> str:
    """An operation that rm_a (`own`) or rm_b (`other`) started, with a row that failed; returns its id."""
    operation_id, starter = uuid4(), house.ids["rm_a" if target == "own" else "rm_b"]
    house.fetch(
        service,
        "INSERT INTO operation (id, kind, state, parameters, requested_by, requested_at, moved_at)"
        " VALUES ($1, 'contract', $2, '{}', $3, now(), now())",
        operation_id,
        state,
        f"staff:{starter}",
    )
    house.fetch(
        service, "INSERT INTO operation_error VALUES ($1, 1, 'line 1', 'invalid_input', 'Wrong.', '错误。')", operation_id
    )
    return str(operation_id)


def _gap(house: House, service: str, target: str) -> dict[str, str]:
    """A key whose version 3 waits for version 2."""
    waiting = {"consumer": service, "topic": "customer.changes", "key": str(uuid4())}
    if target == "existing":
        house.fetch(service, "INSERT INTO inbox_version VALUES ($1, $2, $3, 1)", *waiting.values())
        house.fetch(
            service,
            "INSERT INTO inbox_parked (consumer, topic, key, event_id, type, version, reason, record)"
            " VALUES ($1, $2, $3, gen_random_uuid(), 'guanxi.customer.changed.v1', 3, 'gap', ''::bytea)",
            *waiting.values(),
        )
    return waiting


def _blocked(house: House, service: str, target: str) -> dict[str, str]:
    """A key whose one record the broker refused."""
    topic, key = "customer.changes", str(uuid4())
    if target == "existing":
        payload = pack_rows([Outgoing(topic, key.encode(), b"{}", ())])
        house.fetch(
            service,
            "WITH row AS (INSERT INTO outbox (shard, topic, key, payload, event_count, blocked_at)"
            " VALUES ($3, $1, $2, $4, 1, now()) RETURNING sequence)"
            " INSERT INTO outbox_blocked_key (topic, key, shard, sequence, error) SELECT $1, $2, $3, sequence, 'refused' FROM row",
            topic,
            key,
            shard_of(key.encode()),
            payload,
        )
    return {"topic": topic, "key": key}


def _paused(house: House, service: str, target: str) -> dict[str, Any]:
    """A partition that its consumer does not read."""
    place = {"consumer": f"{service}-{uuid4()}", "topic": "customer.changes", "partition": 3}
    if target == "existing":
        house.fetch(
            service,
            "INSERT INTO partition_pause (consumer, topic, partition, reason, \"limit\") VALUES ($1, $2, $3, 'dead_letter_limit', 100)",
            *place.values(),
        )
    return place
