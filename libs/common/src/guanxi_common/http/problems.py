"""RFC 9457 problem documents: the only place where an error becomes an HTTP answer.

A problem says what is wrong and where, in the reader's language, and never repeats what was sent: the offending value, or the
name of an unknown field, may be an identity number. Nor does the log: it gets the exception's type and the places in the code.
"""

import re
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec
import structlog
from asyncpg import DataError, InterfaceError, InternalClientError, PostgresError
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler, Scope

from guanxi_common.context import current_context
from guanxi_common.errors import (
    Conflict,
    DomainError,
    FieldError,
    InvalidInput,
    Locale,
    NotFound,
    StaleVersion,
    Text,
    Unavailable,
)
from guanxi_common.http.etag import format_etag

MEDIA_TYPE = "application/problem+json"
_KNOWN_NAME = re.compile(r"[a-z][a-z_]{0,39}[0-9]{0,2}")
_UNAVAILABLE_STATES = ("08", "53", "57", "40")  # connection, resources, operator (time-out, shutdown), serialisation
_log = structlog.get_logger("guanxi.http")


class InternalError(DomainError):
    """A fault of this service; the request id finds it in the log."""


class BadRequest(DomainError):
    """The request cannot be understood."""

    status, code, title = 400, "bad_request", Text("Bad request", "请求错误")


class IdempotencyKeyRequired(BadRequest):
    """A POST that creates or acts needs an `Idempotency-Key` of 1 to 255 visible ASCII characters."""

    code, title = "idempotency_key_required", Text("Idempotency-Key required", "需要 Idempotency-Key")


class MethodNotAllowed(DomainError):
    """The resource does not know this method; `Allow` lists those it knows."""

    status, code, title = 405, "method_not_allowed", Text("Method not allowed", "不支持的方法")


class SlowBody(DomainError):
    """The body did not arrive in time; the connection is closed."""

    status, code, title = 408, "slow_body", Text("Body not received in time", "请求体接收超时")


class SlowHead(DomainError):
    """The request's head did not arrive in time; the connection is closed."""

    status, code, title = 408, "slow_head", Text("Head not received in time", "请求头接收超时")


class HeadTooLarge(DomainError):
    """The request's head, or what frames its body, is over the limit; the connection is closed."""

    status, code, title = 431, "head_too_large", Text("Request head too large", "请求头过大")


class Overloaded(Unavailable):
    """The process works on as many requests, or holds as many connections, as it can; `Retry-After` says when to come back."""

    code, title = "overloaded", Text("Too much work at once", "服务繁忙")


class RequestTimedOut(Unavailable):
    """The answer took too long and was given up; nothing was changed, unless a commit was under way."""

    code, title = "timed_out", Text("Timed out", "处理超时")


_BY_STATUS: dict[int, type[DomainError]] = {404: NotFound, 405: MethodNotAllowed}

_FIELD_TEXTS = {
    "missing": Text("This field is required.", "缺少必填字段。"),
    "extra_forbidden": Text("This field is not known here.", "此处不接受该字段。"),
    "blank": Text("The text says nothing that could be read.", "文本没有可读的内容。"),
    "unreadable_character": Text(
        "The text holds a character that is invisible or changes the reading direction.",
        "文本含有不可见字符或改变文字方向的字符。",
    ),
}
_FIELD_INVALID = Text("The value is not allowed here.", "该值不符合要求。")


def locale_of(accept_language: str | None) -> Locale:
    """The language to answer in: the first of `zh` and `en` in order of preference, English if neither is named."""
    ranked: list[tuple[float, Locale]] = []
    for part in (accept_language or "").lower().split(",")[:20]:
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0]
        if language in ("zh", "en"):
            ranked.append((_quality(parameter), "zh" if language == "zh" else "en"))
    best = max(ranked, key=lambda entry: entry[0], default=(0.0, "en"))
    return best[1] if best[0] > 0 else "en"


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def problem_document(error: DomainError, locale: Locale, request_id: str | None) -> dict[str, Any]:
    """The members of the problem document of `error`."""
    document: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title.in_(locale),
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
    }
    if error.detail is not None:
        document["detail"] = error.detail.in_(locale)
    if error.errors:
        document["errors"] = [
            {"in": field.place, "pointer": field.pointer, "code": field.code, "detail": field.detail.in_(locale)}
            for field in error.errors
        ]
    return document


def problem_response(error: DomainError, locale: Locale) -> Response:
    headers = {"Content-Language": locale, "Cache-Control": "no-store", **error.headers}
    if isinstance(error, StaleVersion) and error.current is not None:
        headers["ETag"] = format_etag(error.current)
    body = msgspec.json.encode(problem_document(error, locale, current_context().request_id))
    return Response(body, status_code=error.status, headers=headers, media_type=MEDIA_TYPE)


def locale_of_scope(scope: Scope) -> Locale:
    wanted = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return locale_of(wanted.decode("latin-1"))


def field_errors(entries: Iterable[Mapping[str, Any]], *, place: str | None = None) -> list[FieldError]:
    """pydantic's error entries as field errors: location and type, nothing of the input.

    `place` None means that the first element of the location names it, as FastAPI does.
    """
    found = []
    for entry in entries:
        location: Sequence[str | int] = entry["loc"]
        where = place or str(location[0])
        path = location if place else location[1:]
        kind = str(entry["type"])
        found.append(
            FieldError(
                pointer=pointer_to(path),
                code=kind,
                detail=_FIELD_TEXTS.get(kind, _FIELD_INVALID),
                place=cast("Any", where if where in ("body", "query", "path", "header") else "body"),
            )
        )
    return found


def pointer_to(path: Sequence[str | int]) -> str:
    """The RFC 6901 pointer, cut off where a name does not look like a field of ours: it may be what the caller typed."""
    parts: list[str] = []
    for element in path:
        if isinstance(element, str) and not _KNOWN_NAME.fullmatch(element.replace("-", "_").lower()):
            break
        parts.append(f"/{element}")
    return "".join(parts)


def as_domain_error(error: Exception) -> DomainError:
    """What the caller is told about `error`; everything unforeseen is an `InternalError`."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, RequestValidationError):
        return InvalidInput(errors=field_errors(error.errors()))
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, PoolTimeout):
        return Unavailable(headers={"Retry-After": "1"})
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    return _of_database(driver_error) or InternalError()


def _of_http(error: HTTPException) -> DomainError:
    if (known := _BY_STATUS.get(error.status_code)) is not None:
        return known(
            headers={name: _with_head(value) if name == "Allow" else value for name, value in (error.headers or {}).items()}
        )
    return BadRequest() if error.status_code < 500 else InternalError()


def _with_head(allowed: str) -> str:
    """The methods of a route, HEAD included, which is answered wherever GET is."""
    methods = set(allowed.replace(" ", "").split(","))
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _of_database(error: BaseException | None) -> DomainError | None:
    """The last wall behind the schemas: a value that PostgreSQL refuses, a race that a constraint decides, a lost server.

    asyncpg says `InternalClientError` where the server ended an idle connection and the driver has read the message but not the end.
    """
    cause: BaseException | None = error
    while cause is not None:
        state = str(getattr(cause, "sqlstate", None) or "")
        if isinstance(cause, DataError) or state.startswith("22"):
            return InvalidInput()
        if state in ("23505", "23P01", "23503"):
            return Conflict()
        if state[:2] in _UNAVAILABLE_STATES or isinstance(cause, (InterfaceError, InternalClientError, ConnectionError)):
            return Unavailable(headers={"Retry-After": "1"})
        cause = cause.__cause__ if not isinstance(cause, PostgresError) else None
    return None


def answer_to(error: Exception, locale: Locale) -> Response:
    """The response to any exception; logs what is a fault of ours, without the exception's text."""
    domain_error = as_domain_error(error)
    if domain_error.status >= 500:
        _log.error(
            "request_failed",
            code=domain_error.code,
            error=f"{type(error).__module__}.{type(error).__qualname__}",
            cause=type(error.__cause__).__qualname__ if error.__cause__ else None,
            frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-8:]],
        )
    return problem_response(domain_error, locale)


async def _handle(request: Request, error: Exception) -> Response:
    return answer_to(error, locale_of_scope(request.scope))


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error that a route raises a problem document. What is raised around the routes is caught by the middleware."""
    handler = cast("ExceptionHandler", _handle)
    of_driver = (DBAPIError, PoolTimeout, PostgresError, InterfaceError, InternalClientError)
    for kind in (DomainError, RequestValidationError, HTTPException, *of_driver):
        app.add_exception_handler(kind, handler)
