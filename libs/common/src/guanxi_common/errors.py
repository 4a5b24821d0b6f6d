"""The typed errors of the domain. `http.problems` renders them as RFC 9457 documents; nothing else maps errors to HTTP.

An error carries a stable `code` (clients switch on it), a status, and a text in both of the product's languages. It never
carries the offending value: the value may be an identity number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

Locale = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Text:
    """One message in the product's two languages."""

    en: str
    zh: str

    def in_(self, locale: Locale) -> str:
        return self.zh if locale == "zh" else self.en


@dataclass(frozen=True, slots=True)
class FieldError:
    """Where a request is wrong: an RFC 6901 `pointer` into its `place` and a stable `code`; never the value."""

    pointer: str
    code: str
    detail: Text
    place: Literal["body", "query", "path", "header"] = "body"


class DomainError(Exception):
    """The base of every error that a caller is told about.

    `keeps_effects`: what the call wrote before it was refused is committed (it opened a case, say) instead of rolled back.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[Text] = Text("Internal error", "内部错误")
    keeps_effects: ClassVar[bool] = False

    def __init__(
        self,
        detail: Text | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail.en if detail else self.title.en)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


class MalformedBody(DomainError):
    """The body is not one well-formed JSON document (bad syntax, duplicate key, NaN, too deep)."""

    status, code, title = 400, "malformed_body", Text("Malformed body", "请求体格式错误")


class InvalidCursor(DomainError):
    """The cursor was not issued by this service for this query."""

    status, code, title = 400, "invalid_cursor", Text("Invalid cursor", "分页游标无效")


class Unauthenticated(DomainError):
    """No token, or one that does not verify."""

    status, code, title = 401, "unauthenticated", Text("Authentication required", "需要身份验证")


class Forbidden(DomainError):
    """The caller's role lacks the permission. Rows out of scope are `NotFound`, never this."""

    status, code, title = 403, "forbidden", Text("Not permitted", "没有权限")


class NotFound(DomainError):
    """There is no such thing, or none that the caller may see; the two are not told apart."""

    status, code, title = 404, "not_found", Text("Not found", "未找到")


class Conflict(DomainError):
    """The state of the resource does not allow this."""

    status, code, title = 409, "conflict", Text("Conflict", "状态冲突")


class RequestInFlight(Conflict):
    """The same Idempotency-Key is being answered right now."""

    code, title = "request_in_flight", Text("The same request is in progress", "相同请求正在处理")


class StaleVersion(DomainError):
    """`If-Match` names a version that is not the `current` one. The answer shows that as its tag."""

    status, code, title = 412, "stale_version", Text("The resource has changed", "资源已被修改")

    def __init__(self, *, current: int | None = None) -> None:
        super().__init__()
        self.current = current


class BodyTooLarge(DomainError):
    """The body is over the operation's limit."""

    status, code, title = 413, "body_too_large", Text("Body too large", "请求体过大")


class UnsupportedMediaType(DomainError):
    """The operation takes `application/json` only."""

    status, code, title = 415, "unsupported_media_type", Text("Unsupported media type", "不支持的媒体类型")


class InvalidInput(DomainError):
    """Well-formed, but against the schema or a rule; `errors` says where."""

    status, code, title = 422, "invalid_input", Text("Invalid input", "输入无效")


class IdempotencyKeyReused(InvalidInput):
    """The Idempotency-Key was used before with another body."""

    code, title = "idempotency_key_reused", Text("Idempotency-Key reused with another body", "幂等键已用于不同请求")


class PreconditionRequired(DomainError):
    """A change needs `If-Match`."""

    status, code, title = 428, "precondition_required", Text("If-Match required", "需要 If-Match")


class TooManyRequests(DomainError):
    """Over the caller's rate; `Retry-After` says when to come back."""

    status, code, title = 429, "too_many_requests", Text("Too many requests", "请求过于频繁")


class Unavailable(DomainError):
    """Not now; `Retry-After` says when to come back."""

    status, code, title = 503, "unavailable", Text("Temporarily unavailable", "暂时不可用")
