"""The AsyncAPI document: current, whole, and free of dangling references."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guanxi_contracts.asyncapi import build_document, render
from guanxi_contracts.topics import event_types, load_topics
from jsonschema import Draft202012Validator

COMMITTED = Path(__file__).parents[5] / "docs" / "asyncapi.json"


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_the_committed_file_is_current() -> None:
    assert COMMITTED.read_text("utf-8") == render(build_document()), "run `make docs`"


def test_every_reference_leads_somewhere() -> None:
    document = build_document()
    found = set(references(document))
    assert len(found) > 40
    assert all(resolve(document, reference) for reference in found)


def test_every_topic_and_type_is_in_it() -> None:
    document = build_document()
    assert set(document["channels"]) == set(load_topics())
    assert set(document["components"]["messages"]) == set(event_types())


def test_what_core_banking_writes_is_sent_and_the_rest_received() -> None:
    actions = {name: operation["action"] for name, operation in build_document()["operations"].items()}
    assert actions["sendBankInboundTransactions"] == "send"
    assert actions["receiveBankTransactions"] == "receive"
    assert list(actions.values()).count("send") == 2


def test_the_schemas_in_it_accept_the_examples_in_it() -> None:
    document = build_document()
    for message in document["components"]["messages"].values():
        schema = {"$ref": message["payload"]["$ref"], "components": document["components"]}
        for example in message["examples"]:
            Draft202012Validator(schema).validate(example["payload"])
