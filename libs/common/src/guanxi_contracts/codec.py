"""The wire form of an event: a Kafka record in the *binary* mode of CloudEvents 1.0.

Attributes are `ce_*` headers in UTF-8, `data` is the value as JSON, the key is the record's key (the `partitionkey` of the
Kafka binding, which is therefore never a header). Our extension attributes are `aggregateversion`, `epoch`, `traceparent`,
`causationid` and `actor`, and on signed topics `signature`; any other one is kept in `Envelope.extensions`. A record without a value
is a tombstone, and one without `epoch` is of the first: it was written before there were epochs.

Source: CloudEvents 1.0.2, "Kafka Protocol Binding", sections 3.1 and 3.2.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from guanxi_common.instants import bounded, from_milliseconds
from guanxi_common.messaging.bus import Outgoing, Record
from guanxi_common.messaging.envelope import FIRST_EPOCH, Envelope

from guanxi_contracts.topics import topic_kinds

MAX_VALUE_BYTES: Final = 1_000_000
"""Kafka's default `message.max.bytes`, less room for headers; a larger value is refused on both sides."""

MAX_KEY_BYTES: Final = 2_048
MAX_ATTRIBUTE_BYTES: Final = 16_384
"""Of key and header values together: what an event says of itself is small."""

Reason = Literal[
    "missing_key",
    "key_too_long",
    "missing_attribute",
    "invalid_attribute",
    "unsupported_specversion",
    "unsupported_content_type",
    "too_large",
    "invalid_json",
    "not_an_object",
    "unexpected_tombstone",
]

SIGNATURE_HEADER: Final = "ce_signature"
"""On signed topics only; made and checked by `guanxi_common.messaging.signing`."""

_EXTENSION: Final = re.compile(r"[a-z0-9]{1,40}")
_JSON: Final = b"application/json"
_KNOWN: Final = frozenset(
    {
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "ce_specversion",
        "ce_aggregateversion",
        "ce_epoch",
        "ce_traceparent",
        "ce_causationid",
        "ce_actor",
        "ce_partitionkey",
        SIGNATURE_HEADER,
        "content-type",
    }
)
_encode_json = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder().decode


class DecodeError(Exception):
    """The record is no event of ours, and never will be: a dead letter. `reason` is stable; the text never repeats content."""

    def __init__(self, reason: Reason, attribute: str = "") -> None:
        super().__init__(f"{reason}: {attribute}" if attribute else reason)
        self.reason: Reason = reason
        self.attribute = attribute


def encode(envelope: Envelope) -> Outgoing:
    """The record of `envelope`. Raises ValueError for a naive time, a bad extension name or data over `MAX_VALUE_BYTES`."""
    value = None if envelope.data is None else _encode_json(envelope.data)
    if value is not None and len(value) > MAX_VALUE_BYTES:
        raise ValueError(f"an event of {len(value)} bytes is too large")
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(envelope.id).encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", _timestamp(envelope.time)),
    ]
    if value is not None:
        headers.append(("content-type", _JSON))
    if envelope.aggregate_version is not None:
        headers.append(("ce_aggregateversion", b"%d" % envelope.aggregate_version))
        headers.append(("ce_epoch", b"%d" % envelope.epoch))
    for name, text in (
        ("ce_traceparent", envelope.traceparent),
        ("ce_causationid", envelope.causation_id),
        ("ce_actor", envelope.actor),
    ):
        if text is not None:
            headers.append((name, text.encode()))
    headers.extend((_extension_header(name), text.encode()) for name, text in envelope.extensions.items())
    return Outgoing(envelope.topic, envelope.key.encode(), value, tuple(headers))


def decode(record: Record, *, parse: bool = True) -> Envelope:
    """The event in `record`; raises `DecodeError`. Data is not held against its schema here: see `topics.validate`.

    `parse=False` leaves the value of a fact in `Envelope.raw` for a handler that parses it; it may be no JSON at all.
    """
    headers = dict(record.headers)
    if record.key is None:
        raise DecodeError("missing_key")
    if len(record.key) > MAX_KEY_BYTES:
        raise DecodeError("key_too_long")
    # PostgreSQL stores no U+0000, so no header and no key may hold one.
    attributes = b"".join((record.key, *headers.values()))
    if b"\0" in attributes or len(attributes) > MAX_ATTRIBUTE_BYTES:
        raise DecodeError("invalid_attribute")
    if len(headers) < len(record.headers) and _is_contradictory(record.headers):
        raise DecodeError("invalid_attribute")
    if headers.get("ce_specversion") != b"1.0":
        raise DecodeError("unsupported_specversion" if "ce_specversion" in headers else "missing_attribute", "specversion")
    try:
        key = record.key.decode()
        texts = {name: value.decode() for name, value in headers.items()}
        version, epoch = texts.get("ce_aggregateversion"), texts.get("ce_epoch")
        return Envelope(
            UUID(texts["ce_id"]),
            texts["ce_type"],
            record.topic,
            key,
            texts["ce_source"],
            _parse_time(texts.get("ce_time"), record.timestamp_ms),
            _parse_data(record, texts.get("content-type"), parse=parse),
            None if version is None else _parse_count(version, "aggregateversion"),
            texts.get("ce_traceparent"),
            texts.get("ce_causationid"),
            texts.get("ce_actor"),
            {} if texts.keys() <= _KNOWN else _extensions(texts),
            None if parse else record.value,
            FIRST_EPOCH if epoch is None else _parse_count(epoch, "epoch"),
        )
    except KeyError as error:
        raise DecodeError("missing_attribute", str(error.args[0]).removeprefix("ce_")) from None
    except UnicodeDecodeError:
        raise DecodeError("invalid_attribute") from None
    except ValueError:
        raise DecodeError("invalid_attribute", "id") from None


def _timestamp(time: datetime) -> bytes:
    if time.tzinfo is None:
        raise ValueError("an event's time must be aware")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()


def _extension_header(name: str) -> str:
    header = f"ce_{name}"
    if header in _KNOWN or not _EXTENSION.fullmatch(name):
        raise ValueError("an extension attribute's name must be lower-case letters and digits, and not one of ours")
    return header


def _is_contradictory(headers: tuple[tuple[str, bytes], ...]) -> bool:
    """Whether an attribute is given twice; which of the two counts would be each reader's choice."""
    names = [name for name, _ in headers if name in _KNOWN or name.startswith("ce_")]
    return len(names) > len(set(names))


def _parse_time(text: str | None, timestamp_ms: int) -> datetime:
    """`time` is optional in CloudEvents; the record's own timestamp stands in for it."""
    try:
        return from_milliseconds(timestamp_ms) if text is None else bounded(datetime.fromisoformat(text))
    except ValueError:
        raise DecodeError("invalid_attribute", "time") from None


def _parse_count(text: str, attribute: str) -> int:
    """A number from 1 that fits eight bytes."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0):
        raise DecodeError("invalid_attribute", attribute)
    return int(text)


def _parse_data(record: Record, content_type: str | None, *, parse: bool) -> dict[str, Any] | None:
    value = record.value
    if value is None:
        if topic_kinds().get(record.topic, "snapshots") != "snapshots":
            raise DecodeError("unexpected_tombstone")
        return None
    if content_type not in ("application/json", None) and content_type.split(";")[0].strip().lower() != "application/json":
        raise DecodeError("unsupported_content_type")
    if len(value) > MAX_VALUE_BYTES:
        raise DecodeError("too_large")
    if not parse and b"\\u0000" not in value:
        return None
    try:
        data = _decode_json(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DecodeError("invalid_json") from None
    if type(data) is not dict:
        raise DecodeError("not_an_object")
    # U+0000 again. Its escape is rare, so the cheap look at the bytes decides nearly always.
    if b"\\u0000" in value and _has_nul(data):
        raise DecodeError("invalid_json")
    return data


def _has_nul(value: Any) -> bool:
    """By a list, not by recursion: the parser takes what is nested more deeply than Python's calls may be."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if "\0" in value:
                return True
        elif isinstance(value, dict):
            pending.extend(value)
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return False


def _extensions(texts: dict[str, str]) -> dict[str, str]:
    found = {name[3:]: text for name, text in texts.items() if name.startswith("ce_") and name not in _KNOWN}
    if not all(_EXTENSION.fullmatch(name) for name in found):
        raise DecodeError("invalid_attribute", "extension")
    return found
