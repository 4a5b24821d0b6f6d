"""The AsyncAPI 3.0 document of the events, built from topics, schemas and examples: the same input gives the same bytes.

The document is seen from the outside: a topic of ours is *received* by a reader of the document, a topic whose producer is
`core_banking` is *sent* to. `guanxi write-contracts` writes it to `docs/asyncapi.json`.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version as package_version
from typing import Any, Final

from guanxi_contracts.topics import DEFINITIONS, TYPE_PREFIX, Topic, definitions, event_types, examples_of, load_topics, schema_of

ASYNCAPI_VERSION: Final = "3.0.0"
_OUTSIDE: Final = "core_banking"
_DEFINITION_REF: Final = f"urn:guanxi:schema:{DEFINITIONS}#/$defs/"
_META_KEYWORDS: Final = ("$schema", "$id")

Document = dict[str, Any]


def build_document() -> Document:
    """The document; its version is the package's."""
    topics = load_topics().values()
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Guanxi events",
            "version": package_version("guanxi-common"),
            "description": (
                "CloudEvents 1.0 on Kafka in binary mode. Delivery is at least once: dedupe by `ce_id`. *Facts* have no version; "
                "*changes* carry versions 1..n per key, contiguous; *snapshots* are compacted and replace an older version. "
                "Readers ignore fields and types that they do not know."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "production": {
                "host": "{broker}",
                "protocol": "kafka",
                "variables": {"broker": {"description": "The bank's brokers."}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {_operation_name(topic): _operation(topic) for topic in topics},
        "components": {
            "messages": {type_: _message(type_) for type_ in event_types()},
            "schemas": _schemas(),
            "messageTraits": {"cloudEvent": {"headers": _HEADERS}},
        },
    }


def render(document: Document) -> str:
    """The document as the file holds it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _channel(topic: Topic) -> Document:
    retention = {"retention.ms": -1 if topic.retention_days is None else topic.retention_days * 86_400_000}
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in topic.types},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions_production,
                "topicConfiguration": {"cleanup.policy": [topic.cleanup], **retention},
                "bindingVersion": "0.5.0",
            }
        },
        "x-kind": topic.kind,
        "x-key": topic.key,
        "x-producers": list(topic.producers),
        "x-signed": topic.signed,
        "x-consumers": [{"service": consumer.service, "types": list(consumer.types)} for consumer in topic.consumers],
    }


def _operation_name(topic: Topic) -> str:
    words = topic.name.replace(".", " ").title().replace(" ", "")
    return f"{_action(topic)}{words}"


def _action(topic: Topic) -> str:
    return "send" if topic.producers == (_OUTSIDE,) else "receive"


def _operation(topic: Topic) -> Document:
    return {
        "action": _action(topic),
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": topic.description,
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{type_}"} for type_ in topic.types],
    }


def _message(type_: str) -> Document:
    schema = schema_of(type_)
    described = {"description": schema["description"]} if "description" in schema else {}
    return {
        "name": type_,
        "title": schema["title"],
        **described,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"$ref": f"#/components/schemas/{type_.removeprefix(TYPE_PREFIX)}"},
        "examples": [{"name": name, "payload": payload} for name, payload in examples_of(type_).items()],
    }


def _schemas() -> Document:
    shared = {name: _inline(schema) for name, schema in definitions()["$defs"].items()}
    own = {type_.removeprefix(TYPE_PREFIX): _inline(schema_of(type_)) for type_ in event_types()}
    return shared | own


def _inline(node: Any) -> Any:
    """The schema with its references turned to `#/components/schemas`, without the keywords that AsyncAPI does not know."""
    if isinstance(node, Mapping):
        return {
            key: _component(value) if key == "$ref" else _inline(value)
            for key, value in node.items()
            if key not in _META_KEYWORDS
        }
    return [_inline(item) for item in node] if isinstance(node, list) else node


def _component(reference: str) -> str:
    name = reference.removeprefix(_DEFINITION_REF).removeprefix("#/$defs/")
    return f"#/components/schemas/{name}"


def _text(description: str, **keywords: Any) -> Document:
    return {"type": "string", "description": description, **keywords}


_HEADERS: Final[Document] = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    "properties": {
        "ce_specversion": _text("The CloudEvents version.", const="1.0"),
        "ce_id": _text("The event's id; the same id again is the same event.", format="uuid"),
        "ce_source": _text("Who produced it.", format="uri-reference"),
        "ce_type": _text("`guanxi.<noun>.<past-verb>.v<major>`."),
        "ce_time": _text("When it happened, RFC 3339; absent: the record's timestamp.", format="date-time"),
        "content-type": _text("Absent on a tombstone.", const="application/json"),
        "ce_aggregateversion": _text("On changes and snapshots.", pattern="^[1-9][0-9]*$"),
        "ce_epoch": _text(
            "On changes and snapshots: the owner's epoch, raised after its database was restored. A version of a later epoch is newer"
            " than every one of an earlier epoch. Absent: 1.",
            pattern="^[1-9][0-9]*$",
        ),
        "ce_traceparent": _text("W3C Trace Context."),
        "ce_causationid": _text("The id of the event that caused this one."),
        "ce_actor": _text("`staff:<id>`, `client:<subject>` or `system:<worker>`."),
        "ce_signature": _text("On signed topics (`x-signed`): `<key id>:<base64>`, Ed25519 over key, attributes and value."),
    },
}
