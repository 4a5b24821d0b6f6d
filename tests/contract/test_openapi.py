"""Every operation of the three services is documented, and the committed documents are what the code says."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guanxi_common.http.openapi import operations
from guanxi_common.installation import SERVICES
from guanxi_operator.contract_files import contract_problems
from guanxi_testing.openapi import undocumented

ROOT = Path(__file__).parents[2]
DOCUMENTS = {f"{service}-svc": ROOT / "docs" / "api" / f"{service}-svc.json" for service in SERVICES}


def read(service: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DOCUMENTS[service].read_text("utf-8"))
    return document


@pytest.mark.parametrize("service", DOCUMENTS)
def test_every_operation_is_documented(service: str) -> None:
    assert read(service)["openapi"].startswith("3.1")
    assert undocumented(read(service)) == []


def test_a_first_path_segment_belongs_to_one_service() -> None:
    owners: dict[str, set[str]] = {}
    for service in DOCUMENTS:
        for path, _, _ in operations(read(service)):
            owners.setdefault(path.split("/")[2].partition(":")[0], set()).add(service)
    assert {segment: owner for segment, owner in owners.items() if len(owner) > 1} == {}


@pytest.mark.parametrize("service", DOCUMENTS)
def test_whatever_a_caller_sends_has_its_limits_in_the_document(service: str) -> None:
    """Texts a length or form, numbers bounds, lists a size, objects their members."""
    document = read(service)
    shared, open_ends = document["components"].get("parameters", {}), []
    for _, _, operation in operations(document):
        sent = [content["schema"] for content in operation.get("requestBody", {}).get("content", {}).values()]
        for stated in operation.get("parameters", []):
            parameter = shared[stated["$ref"].rpartition("/")[2]] if "$ref" in stated else stated
            sent += [parameter["schema"]] if parameter["in"] in ("path", "query") else []
        open_ends += [f"{operation['operationId']}: {end}" for schema in sent for end in _without_limits(document, schema, "")]
    assert open_ends == []


BOUNDS = {"string": ({"maxLength", "pattern", "format"}, 1), "array": ({"maxItems"}, 1), "integer": (
    {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}, 2,
)}  # fmt: skip
"""Type → the words that limit it, and how many of them it takes."""


def _without_limits(document: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    """Paths without a limit. Bodies are trees: no schema of ours leads back to itself."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for alternative in [one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, [])]:
        yield from _without_limits(document, alternative, path)
    words, needed = BOUNDS.get(schema.get("type", ""), (set(), 0))
    if not {"enum", "const"} & schema.keys() and len(words & schema.keys()) < needed:
        yield f"{path or '/'}: {schema['type']}"
    if "properties" in schema and schema.get("additionalProperties", True) is not False:
        yield f"{path or '/'}: open"
    for name, member in schema.get("properties", {}).items():
        yield from _without_limits(document, member, f"{path}/{name}")
    if "items" in schema:
        yield from _without_limits(document, schema["items"], f"{path}/*")


IN_ADDRESSES = {
    "account_id", "as_of", "breached", "by", "code", "currency", "cursor", "customer_id", "explain", "family", "from", "is_open",
    "kind", "known_at", "limit", "measure", "name", "number", "outlet_id", "pending", "queue", "rm_id", "role", "snoozed", "source",
    "state", "status", "to",
}  # fmt: skip
"""Ids, days, and words of ours: `name` is a model's, `code` a product's."""


@pytest.mark.parametrize("service", DOCUMENTS)
def test_no_address_holds_what_is_personal_or_secret(service: str) -> None:
    """Addresses stand in logs of proxies and in histories: a search is a POST, and a token a header."""
    document = read(service)
    shared = document["components"].get("parameters", {})
    for path, _, operation in operations(document):
        for stated in operation.get("parameters", []):
            parameter = shared[stated["$ref"].rpartition("/")[2]] if "$ref" in stated else stated
            name = parameter["name"]
            if parameter["in"] == "query":
                assert name in IN_ADDRESSES, path
            elif parameter["in"] == "path":
                assert name in IN_ADDRESSES or name.endswith("_id"), path


@pytest.mark.parametrize("service", DOCUMENTS)
def test_there_is_one_way_to_authenticate_and_every_operation_names_it(service: str) -> None:
    document = read(service)
    [(name, scheme)] = document["components"]["securitySchemes"].items()
    assert (name, scheme["type"], scheme["scheme"]) == ("bearer", "http", "bearer")
    for path, _, operation in operations(document):
        assert operation["security"] == [{"bearer": []}], path


def test_the_committed_documents_are_what_the_code_says() -> None:
    """In a process of its own: building an application sets up that process's logs and traces."""
    command = [sys.executable, "-m", "guanxi_common.cli", "check-contracts", "--root", str(ROOT)]
    checked = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GUANXI_ENVIRONMENT": "production"})
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_stale_document_and_a_broken_release_are_told(tmp_path: Path) -> None:
    released = tmp_path / "docs" / "api" / "released" / "scoring-svc-1.0.0.json"
    released.parent.mkdir(parents=True)
    promised = read("scoring-svc")
    present = {**promised, "paths": {path: item for path, item in promised["paths"].items() if path != "/v1/signals"}}
    released.write_text(json.dumps(promised), "utf-8")
    (tmp_path / "docs" / "api" / "scoring-svc.json").write_text(json.dumps(present), "utf-8")
    assert contract_problems(tmp_path, []) == [
        "docs/asyncapi.json is missing: run `make docs`",
        "breaks scoring-svc-1.0.0: /v1/signals: path removed",
    ]
