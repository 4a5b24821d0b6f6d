"""D1, 8.C: blank text is refused wherever a text must say something, with a pointer to it. Every text of every body is tried."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from guanxi_common.http.openapi import operations
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET

Path = tuple[str | int, ...]
Json = dict[str, Any]

BLANKS = {"spaces": "     ", "zero-width spaces": "\u200b" * 5, "no-break spaces": "\u00a0\u3000\u00a0\u2003\u00a0"}
MAY_BE_BLANK = {
    ("batchCreateTransactions", "/items/0/code"): "core banking's own code, kept as it stands; it may be empty",
}
"""Texts that need not say anything, with the reason. Rather than to add to them, give the field `Line`, `Prose`, `SPOKEN` or `READABLE`."""
HOLDERS: dict[Path, Json] = {("identity_document",): {"kind": "passport", "number": "E12345678"}}
"""Objects that some good requests leave out, with what else stands in them."""
ANSWERED_ITEM_BY_ITEM = {"batchCreateTransactions", "batchCreateAccounts"}


class Texts:
    """Where a document takes texts that no enumeration, format or constant limits."""

    def __init__(self, document: Json) -> None:
        self._document = document

    def of_operation(self, described: Json) -> set[Path]:
        content = described.get("requestBody", {}).get("content", {})
        return {path for kind in content.values() for path in self._of(kind["schema"], ())}

    def _of(self, schema: Json, path: Path) -> Iterator[Path]:
        while "$ref" in schema:
            *_, kind, name = schema["$ref"].split("/")
            schema = self._document["components"][kind][name]
        for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
            yield from self._of(choice, path)
        if schema.get("type") == "string" and not {"enum", "format", "const"} & schema.keys():
            yield path
        for name, member in schema.get("properties", {}).items():
            yield from self._of(member, (*path, name))
        if isinstance(schema.get("items"), dict):
            yield from self._of(schema["items"], (*path, 0))


def completed(good: Any, path: Path) -> Any:
    holder = HOLDERS.get(path[:-1])
    return deepcopy(good) if holder is None else {**deepcopy(good), str(path[0]): holder}


def spoilt(body: Any, path: Path, blank: str) -> Any:
    """The body with the blank text at the path; objects and lists on the way that the good request leaves out are made."""
    if not path:
        return blank
    first, *rest = path
    if isinstance(first, int):
        return [spoilt(body[0] if body else {}, tuple(rest), blank), *(body or [None])[1:]]
    return {**(body or {}), first: spoilt((body or {}).get(first), tuple(rest), blank)}


def pointer(path: Path) -> str:
    return "".join(f"/{part}" for part in path)


@pytest.mark.parametrize("service", ["customer", "engagement", "scoring"])
def test_d1_blank_text_is_refused_in_every_field(house: House, requests: GoodRequests, service: str) -> None:
    document = house.apps[service].openapi()
    texts, wrong, tried = Texts(document), [], 0
    for _, method, described in operations(document):
        operation = described["operationId"]
        paths = [path for path in texts.of_operation(described) if (operation, pointer(path)) not in MAY_BE_BLANK]
        if not paths:
            continue
        target, caller = SHEET.permitted(operation)
        address, good = requests[operation](service, target)
        for path in sorted(paths, key=pointer):
            for name, blank in BLANKS.items():
                tried += 1
                answer = house.call(service, caller, method.upper(), address, json=spoilt(completed(good, path), path, blank))
                if not refused(answer, operation, path):
                    wrong.append(f"{operation} {pointer(path)} takes {name}: {answer.status_code} {answer.text[:200]}")
    assert tried > 0
    assert wrong == [], (
        "a text that must say something is `Line`, `Prose`, or marked `SPOKEN` or `READABLE` (guanxi_common.http.bodies)"
    )


def refused(answer: Any, operation: str, path: Path) -> bool:
    """422 with a pointer to the text or to what holds it.

    As good: in a bulk intake the item's rejection, and 400, 403 or 404 where the text names a thing, which a blank one does not.
    """
    if answer.status_code in (400, 403, 404):
        return True
    if answer.status_code == 200 and operation in ANSWERED_ITEM_BY_ITEM:
        return bool(answer.json()["items"][0]["status"] == "rejected")
    errors = answer.json().get("errors", ()) if answer.status_code == 422 else ()
    return any(error["pointer"] and pointer(path).startswith(error["pointer"]) for error in errors)


def test_what_may_be_blank_is_still_a_text(house: House) -> None:
    known = {
        (described["operationId"], pointer(path))
        for app in house.apps.values()
        for _, _, described in operations(app.openapi())
        for path in Texts(app.openapi()).of_operation(described)
    }
    assert MAY_BE_BLANK.keys() <= known
