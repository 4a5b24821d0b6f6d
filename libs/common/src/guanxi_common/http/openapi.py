"""What every operation of the OpenAPI document has in common, written once: security, headers, problem responses, servers."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from pydantic import BaseModel

from guanxi_common.http.bodies import BODY_LIMIT
from guanxi_common.http.hot_route import HotRoute
from guanxi_common.http.problems import MEDIA_TYPE
from guanxi_common.http.routes import PERMISSION_KEY, security_members
from guanxi_common.http.settings import HttpSettings
from guanxi_common.security.principal import Purpose

METHODS = ("get", "post", "put", "patch", "delete")
_REFS = "#/components/schemas/{name}"

_PROBLEMS = {
    "400": "The request cannot be understood: no JSON, a duplicate key, a forged cursor.",
    "401": "No token, or one that does not verify.",
    "403": "The caller's role lacks the permission.",
    "404": "There is no such thing, or none that the caller may see.",
    "408": "The body did not arrive in time.",
    "409": "The state does not allow it, or the same request is in progress.",
    "412": "`If-Match` names a version that is not the present one.",
    "413": "The body is over the operation's limit.",
    "415": "The body is not `application/json`.",
    "422": "Well-formed, but against the schema or a rule; `errors` says where.",
    "428": "A change needs `If-Match`.",
    "429": "Over the caller's rate.",
    "500": "A fault of this service.",
    "503": "Not now; `Retry-After` says when to come back.",
}
_ALWAYS = ("400", "401", "403", "404", "422", "429", "500", "503")
_WITH_BODY = ("408", "413", "415")

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457). `code` is stable; `title` and `detail` follow Accept-Language.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "The page that explains the code."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["in", "pointer", "code", "detail"],
                "properties": {
                    "in": {"type": "string", "enum": ["body", "query", "path", "header"]},
                    "pointer": {"type": "string", "description": "RFC 6901, into what `in` names."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

_PARAMETERS: dict[str, dict[str, Any]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Chosen by the caller, new for each operation wanted. A repetition gets the first answer again, be it a success "
        "or a refusal by a rule (409, 422).",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "example": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The `ETag` of the version that is to be changed.",
        "schema": {"type": "string", "maxLength": 255},
        "example": '"3"',
    },
    "AccessPurpose": {
        "name": "Access-Purpose",
        "in": "header",
        "required": False,
        "description": "Why personal data are accessed; kept in the audit log.",
        "schema": {"type": "string", "enum": [purpose.value for purpose in Purpose], "default": "customer_service"},
    },
    "AcceptLanguage": {
        "name": "Accept-Language",
        "in": "header",
        "required": False,
        "description": "`zh` or `en`, for the texts of problems.",
        "schema": {"type": "string", "maxLength": 255},
        "example": "zh-CN",
    },
}


def complete(document: dict[str, Any], settings: HttpSettings, hot_routes: Sequence[HotRoute]) -> dict[str, Any]:
    """Add the hot routes and the common parts to FastAPI's document, in place."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for hot in hot_routes:
        _add_hot_route(document, schemas, hot)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM_SCHEMA
    components["parameters"] = _PARAMETERS
    components["responses"] = {f"Problem{status}": _problem_response(status) for status in _PROBLEMS}
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token (RFC 9068) of the bank's identity provider; it follows the practice of RFC 8725.",
        }
    }
    document["servers"] = [{"url": settings.server_url}]
    for _, method, operation in operations(document):
        _complete_operation(method, operation)
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of everything in the document."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _complete_operation(method: str, operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    own_422 = responses.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if own_422.get("$ref", "").endswith("HTTPValidationError"):
        del responses["422"]
    statuses = list(_ALWAYS)
    names = ["AcceptLanguage"]
    if PERMISSION_KEY in operation:
        names.append("AccessPurpose")
    if "requestBody" in operation:
        statuses += _WITH_BODY
    if operation.get("x-idempotency-key"):
        names.append("IdempotencyKey")
    if operation.get("x-if-match"):
        names.append("IfMatch")
        statuses += ["412", "428"]
    if method != "get":
        statuses.append("409")
    parameters = operation.setdefault("parameters", [])
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name in names]
    for status in sorted(statuses):
        responses.setdefault(status, {"$ref": f"#/components/responses/Problem{status}"})


def _problem_response(status: str) -> dict[str, Any]:
    example = {"type": "/problems/example", "title": _PROBLEMS[status].split(";")[0], "status": int(status), "code": "example"}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    response: dict[str, Any] = {"description": _PROBLEMS[status], "content": content}
    if status in ("409", "429", "503"):
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    if status == "401":
        response["headers"] = {"WWW-Authenticate": {"description": "The scheme to use.", "schema": {"type": "string"}}}
    return response


def _add_hot_route(document: dict[str, Any], schemas: dict[str, Any], hot: HotRoute) -> None:
    by_kind = _hot_schemas(schemas, [kind for kind in (hot.request, hot.response) if kind is not None])
    operation: dict[str, Any] = {
        "tags": [hot.tag],
        "summary": hot.summary,
        "operationId": hot.operation_id,
        "parameters": list(hot.parameters),
        "responses": {
            str(hot.status): {
                "description": "Success",
                "content": {"application/json": {"schema": by_kind[hot.response], "example": hot.response_example}},
            }
        },
        **security_members(hot.permission, hot.method),
    }
    if hot.description:
        operation["description"] = hot.description
    if hot.request is not None:
        content = {"application/json": {"schema": by_kind[hot.request], "example": hot.request_example}}
        operation["requestBody"] = {"required": True, "content": content}
        if hot.max_body_size != BODY_LIMIT:
            operation["x-max-body-bytes"] = hot.max_body_size
    document["paths"].setdefault(hot.openapi_path, {})[hot.method.lower()] = operation


def _hot_schemas(schemas: dict[str, Any], kinds: Sequence[type[Any]]) -> dict[type[Any], Any]:
    """A reference to the schema of each kind, which is added to `schemas`; raises ValueError where another has its name."""
    structs = [kind for kind in kinds if not issubclass(kind, BaseModel)]
    references, definitions = msgspec.json.schema_components(structs, ref_template=_REFS)
    by_kind: dict[type[Any], Any] = dict(zip(structs, references, strict=True))
    for kind in kinds:
        if issubclass(kind, BaseModel):
            schema = kind.model_json_schema(ref_template=_REFS.replace("{name}", "{model}"), mode="serialization")
            definitions |= {**schema.pop("$defs", {}), kind.__name__: schema}
            by_kind[kind] = {"$ref": _REFS.format(name=kind.__name__)}
    for name, definition in definitions.items():
        if schemas.setdefault(name, definition) != definition:
            raise ValueError(f"two schemas are called {name}")
    return by_kind
