"""What an OpenAPI document must say of every operation; each service's tests demand that `undocumented` finds nothing."""

from collections.abc import Iterator
from typing import Any

from guanxi_common.http.openapi import operations


def undocumented(document: dict[str, Any]) -> list[str]:
    """What is missing, one line each: operationId, summary, tag, security, problem responses, examples of bodies and answers."""
    found = []
    seen: set[str] = set()
    for path, method, operation in operations(document):
        found += [f"{method.upper()} {path}: {gap}" for gap in _gaps(document, operation)]
        identifier = operation.get("operationId", "")
        if identifier in seen:
            found.append(f"{method.upper()} {path}: operationId {identifier} is used twice")
        seen.add(identifier)
    return found


def _gaps(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    for member in ("operationId", "summary", "tags"):
        if not operation.get(member):
            yield f"no {member}"
    if "security" not in operation:
        yield "no security"
    elif operation["security"] and not operation.get("x-permission"):
        yield "no x-permission"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if not _has_example(document, content):
            yield "no example of the request body"
    responses = operation.get("responses", {})
    if not any(status.startswith("4") for status in responses):
        yield "no problem responses"
    successes = [response for status, response in responses.items() if status.startswith("2")]
    if not successes:
        yield "no successful response"
    for response in successes:
        if any(not _has_example(document, content) for content in response.get("content", {}).values()):
            yield "no example of the answer"


def _has_example(document: dict[str, Any], content: dict[str, Any]) -> bool:
    if "example" in content or content.get("examples"):
        return True
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return "example" in schema or bool(schema.get("examples"))
