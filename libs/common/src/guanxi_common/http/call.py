"""One authenticated request: who calls, over which rows, and the transaction in which it is answered.

```python
async def register(body: Registration, call: Annotated[Call, permission("customer.register")]) -> Response:
    async with call.write() as write:
        customer = await service.register_customer(write.work, rules, body)
        return await write.reply(201, CustomerOut.of(customer), etag=customer.version)
```

The commit comes before the answer: a client never reads 2xx for what was rolled back. A block that an exception leaves is rolled
back, and so is a write block without `reply`. A definite refusal under an Idempotency-Key is kept: the effects alone are undone.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from guanxi_common.context import current_context, set_context
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import DomainError, FieldError, Forbidden, InvalidInput, Locale, Text
from guanxi_common.http import idempotency
from guanxi_common.http.authentication import Authenticator
from guanxi_common.http.etag import format_etag, none_match, parse_if_match
from guanxi_common.http.idempotency import StoredAnswer
from guanxi_common.http.pagination import Cursor, binding_of
from guanxi_common.http.problems import IdempotencyKeyRequired, locale_of, problem_response
from guanxi_common.http.rates import RateLimiter
from guanxi_common.http.sealing import Sealer
from guanxi_common.http.settings import HttpSettings, ServiceParts
from guanxi_common.security.audit import repository as audit_log
from guanxi_common.security.principal import AuditContext, Principal, Purpose, RowScope
from guanxi_common.work import Work

Rate = Literal["standard", "search", "reveal", "bulk"]
Content = BaseModel | msgspec.Struct | bytes | None

JSON = "application/json"
CALL_KEY, BODY_KEY = "guanxi.call", "guanxi.body"
_PAGE_PARAMETERS = ("limit", "cursor")


class Edge:
    """What every call of an application shares."""

    def __init__(self, parts: ServiceParts, settings: HttpSettings) -> None:
        self.parts = parts
        self.settings = settings
        self.authenticator = Authenticator(parts, settings.principal_ttl)
        self.limiter = RateLimiter(settings.rates)
        self.answers = Sealer(settings.secrets, "idempotency")
        self.cursors = Sealer(settings.secrets, "cursor")


@dataclass(frozen=True, slots=True)
class Permission:
    """What an operation demands. `idempotent` and `if_match` None: POST takes an Idempotency-Key, PATCH and PUT take If-Match."""

    name: str
    rate: Rate = "standard"
    idempotent: bool | None = None
    if_match: bool | None = None

    async def __call__(self, request: Request) -> "Call":
        return cast("Call", request.scope[CALL_KEY])

    def needs_key(self, method: str) -> bool:
        return method == "POST" if self.idempotent is None else self.idempotent

    def needs_version(self, method: str) -> bool:
        return method in ("PATCH", "PUT") if self.if_match is None else self.if_match


def permission(name: str, *, rate: Rate = "standard", idempotent: bool | None = None, if_match: bool | None = None) -> Any:
    """The dependency of an operation that demands the permission `name`: `call: Annotated[Call, permission("noun.verb")]`.

    `idempotent=False` for a POST that changes nothing (a search) or is idempotent by itself (a batch).
    """
    return Depends(Permission(name, rate, idempotent, if_match))


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request that holds `permission`; `scope` is the rows over which it does."""

    edge: Edge
    request: Request
    principal: Principal
    permission: Permission
    scope: RowScope
    operation: str
    purpose: Purpose
    locale: Locale

    @property
    def parts(self) -> ServiceParts:
        return self.edge.parts

    @property
    def request_id(self) -> str | None:
        return current_context().request_id

    @property
    def audit(self) -> AuditContext:
        return AuditContext(self.principal.actor, self.operation, self.purpose, self.request_id)

    def shows(self, permission: str, customer_id: UUID) -> bool:
        """Whether the caller may be shown what `permission` guards of a customer whom the operation may read.

        A grant over fewer rows than the operation's shows it of nobody, and break-glass shows it of nobody.
        """
        kind, opened = self.principal.grants.get(permission), self.scope.opened
        if kind is None or not kind.reaches(self.scope.kind):
            return False
        return not opened or customer_id not in self.scope.opened_at(self.parts.clock.now())

    def work(self, uow: UnitOfWork, now: datetime, allowed: tuple[int, ...] | None = None) -> Work:
        """What a use case of this call works with in the transaction `uow`."""
        return Work(uow, self.scope, self.audit, now, self.parts.calendar.local_date(now), self.principal, allowed)

    def cursor(self, filters: Mapping[str, Any] | None = None) -> Cursor:
        """The cursors of this query. `filters` are by default the path's and query's parameters; a POST search passes its own."""
        if filters is None:
            query = {name: value for name, value in self.request.query_params.multi_items() if name not in _PAGE_PARAMETERS}
            filters = {**query, **self.request.path_params}
        return Cursor(self.edge.cursors, binding_of(self.principal.actor, self.operation, filters))

    @asynccontextmanager
    async def read(self, *, one_statement: bool = False) -> AsyncIterator["Read"]:
        """A transaction for reading. What the audit log wrote in it is committed at the end of the block.

        `one_statement`: the block runs exactly one (`audited_read` makes one of a select and its audit entries), which needs no
        BEGIN and COMMIT: a third of the round trips, for the hottest reads.
        """
        if one_statement:
            async with self.parts.database.statement() as uow:
                yield Read(self, uow, self.parts.clock.now())
            return
        async with self.parts.database.transaction() as uow:
            yield Read(self, uow, self.parts.clock.now())
            await uow.commit()

    @asynccontextmanager
    async def write(self) -> AsyncIterator["Write"]:
        """A transaction for a change; the Idempotency-Key is claimed in it.

        Raises `PreconditionRequired`, `StaleVersion` (unreadable tag), `IdempotencyKeyRequired`, `IdempotencyKeyReused`,
        `RequestInFlight`. With a key the block runs in a savepoint; its definite refusal is committed and becomes the key's answer.
        A refusal that `keeps_effects` commits what the block wrote.
        """
        method, headers = self.request.method, self.request.headers
        expected = parse_if_match(headers.get("if-match")) if self.permission.needs_version(method) else None
        key = _idempotency_key(headers.get("idempotency-key")) if self.permission.needs_key(method) else None
        async with self.parts.database.transaction() as uow:
            claim = await self._claim(uow, key) if key is not None else None
            write = Write(self, uow, self.parts.clock.now(), expected, claim)
            kept: DomainError | None = None
            try:
                async with uow.savepoint() if claim is not None else nullcontext():
                    try:
                        yield write
                    except DomainError as refusal:
                        if uow.committed or not refusal.keeps_effects:
                            raise
                        kept = refusal
            except DomainError as refusal:
                if claim is None or uow.committed or not idempotency.is_definite(refusal):
                    raise
                kept = refusal
            if kept is not None:
                answer = StoredAnswer.of(problem_response(kept, self.locale))
                await write.answer_with(answer)
                raise idempotency.IdempotentReplay(answer) from kept
            if not uow.committed:
                raise RuntimeError(f"{self.operation} left its write block without a reply: rolled back")

    async def _claim(self, uow: UnitOfWork, key: str) -> idempotency.Claim:
        url = self.request.url
        request = idempotency.KeyedRequest(
            actor=self.principal.actor,
            operation=self.operation,
            key=key,
            target=f"{url.path}?{url.query}",
            body=self.request.scope.get(BODY_KEY, b""),
        )
        return await idempotency.claim(uow, self.edge.answers, request)


@dataclass(frozen=True, slots=True)
class Read:
    """An open reading transaction."""

    call: Call
    uow: UnitOfWork
    now: datetime

    @property
    def scope(self) -> RowScope:
        return self.call.scope

    @property
    def audit(self) -> AuditContext:
        return self.call.audit

    @property
    def work(self) -> Work:
        """Made at each access: take it once."""
        return self.call.work(self.uow, self.now)

    def reply(self, content: Content, *, etag: int | None = None, headers: Mapping[str, str] | None = None) -> Response:
        """200 with `content` (bytes are JSON already), or 304 if the caller's `If-None-Match` names the version `etag`."""
        if etag is None:
            return Response(encode(content), headers=headers, media_type=JSON)
        validators = {"ETag": format_etag(etag), **(headers or {})}
        if none_match(self.call.request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=validators)
        return Response(encode(content), headers=validators, media_type=JSON)


@dataclass(frozen=True, slots=True)
class Write:
    """An open writing transaction. `expected` are the versions that `If-Match` allows; None: any, or it was not asked for."""

    call: Call
    uow: UnitOfWork
    now: datetime
    expected: tuple[int, ...] | None
    claim: idempotency.Claim | None

    @property
    def scope(self) -> RowScope:
        return self.call.scope

    @property
    def audit(self) -> AuditContext:
        return self.call.audit

    @property
    def work(self) -> Work:
        """Made at each access: take it once."""
        return self.call.work(self.uow, self.now, self.expected)

    async def reply(
        self,
        status: int,
        content: Content = None,
        *,
        etag: int | None = None,
        location: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Store the answer under the Idempotency-Key, commit, and return the response. Raises what the commit raises.

        Every write leaves an entry in the audit log: one that wrote none raises RuntimeError and is rolled back.
        """
        if not self.uow.audited:
            raise RuntimeError(f"{self.call.operation} left no audit entry: rolled back")
        sent = dict(headers or {})
        if etag is not None:
            sent["ETag"] = format_etag(etag)
        if location is not None:
            sent["Location"] = location
        if content is not None:
            sent["Content-Type"] = JSON
        answer = StoredAnswer(status, list(sent.items()), encode(content))
        await self.answer_with(answer)
        return answer.response()

    async def answer_with(self, answer: StoredAnswer) -> None:
        """Store the answer under the Idempotency-Key and commit. Raises what the commit raises."""
        if self.claim is not None:
            await idempotency.keep(self.uow, self.call.edge.answers, self.claim, answer, self.now)
        await self.uow.commit()


def encode(content: Content) -> bytes:
    """JSON of a pydantic model or a msgspec struct; bytes as they are."""
    if content is None:
        return b""
    if isinstance(content, bytes):
        return content
    if isinstance(content, BaseModel):
        return content.__pydantic_serializer__.to_json(content)
    return msgspec.json.encode(content)


async def open_call(request: Request, demanded: Permission, operation: str) -> Call:
    """Authenticate, authorise, count against the caller's rate. Nothing of the body has been read then.

    Raises `Unauthenticated`, `Forbidden`, `TooManyRequests`, `InvalidInput` (unknown purpose).
    """
    edge: Edge = request.app.state.edge
    principal = await edge.authenticator.principal(request.headers.get("authorization"))
    set_context(replace(current_context(), actor=principal.actor))
    edge.limiter.check(demanded.rate, principal.actor)
    headers = request.headers
    purpose = _purpose(headers.get("access-purpose"))
    try:
        scope = principal.scope(demanded.name)
    except Forbidden:
        await _record_denial(edge, AuditContext(principal.actor, operation, purpose, current_context().request_id), demanded.name)
        raise
    locale = locale_of(headers.get("accept-language"))
    return Call(edge, request, principal, demanded, scope, operation, purpose, locale)


async def _record_denial(edge: Edge, context: AuditContext, permission_name: str) -> None:
    """Log in the audit log what somebody tried without the permission."""
    async with edge.parts.database.transaction() as uow:
        await audit_log.record(uow, context, permission_name, (), subject_type="denied_permission")
        await uow.commit()


def _purpose(header: str | None) -> Purpose:
    try:
        return Purpose(header) if header is not None else Purpose.CUSTOMER_SERVICE
    except ValueError:
        detail = Text("This is no purpose of access.", "不是有效的访问目的。")
        raise InvalidInput(errors=[FieldError("/access-purpose", "enum", detail, "header")]) from None


def _idempotency_key(header: str | None) -> str:
    if header is None or not 1 <= len(header) <= 255 or not header.isascii() or not header.isprintable():
        raise IdempotencyKeyRequired
    return header
