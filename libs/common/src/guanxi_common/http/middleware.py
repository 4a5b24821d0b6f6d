"""Pure ASGI middleware: request ids and context, deadlines, the access log, and the last catch of every exception.

Starlette's `BaseHTTPMiddleware` is not used: it breaks context variables (Starlette 919, 1438).
"""

import asyncio
import re
from contextlib import suppress
from time import monotonic
from urllib.parse import parse_qsl

import structlog
from opentelemetry import trace
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guanxi_common.context import CallContext, current_context, reset_context, set_context
from guanxi_common.errors import DomainError, InvalidInput
from guanxi_common.http.browsers import FOR_PAGES, HEADERS
from guanxi_common.http.metrics import IN_WORK, REFUSED, REQUESTS
from guanxi_common.http.problems import Overloaded, RequestTimedOut, SlowBody, answer_to, locale_of_scope
from guanxi_common.ids import new_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LINGER_SECONDS = 1.0
_QUIET = ("/livez", "/readyz", "/metrics")
_DOCUMENTS = ("/docs", "/redoc")
_log = structlog.get_logger("guanxi.access")


class ContextMiddleware:
    """Gives each request its id (echoed in `X-Request-ID`) and its context, logs it, answers what nobody answered.

    No answer is to be guessed at (`nosniff`), run, framed or loaded by another origin's page, and none of `/v1` is stored on the way
    or by a browser: any may hold personal data.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _header(scope, b"x-request-id", _REQUEST_ID) or str(new_id())
        token = set_context(CallContext("client:anonymous", request_id, _traceparent(scope)))
        began, status = monotonic(), 0

        async def sender(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.raw.extend(FOR_PAGES if scope["path"] in _DOCUMENTS else HEADERS)
                if scope["path"].startswith("/v1/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            _refuse_unclear(scope)
            await self.app(scope, receive, sender)
        except Exception as error:
            response = answer_to(error, locale_of_scope(scope))
            if status:
                # Half an answer is out; raised without the cause, whose text the server would log.
                raise RuntimeError("the answer was broken off") from None
            await response(scope, receive, sender)
        finally:
            _report(scope, status, monotonic() - began)
            reset_context(token)


class HeadMiddleware:
    """Answers a HEAD as its GET: by the same route, with the same headers and audit entries. The server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A copy: the server looks into its own scope for whether it may send a body.
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self.app({**scope, "method": "GET"} if is_head else scope, receive, send)


class WorkMiddleware:
    """Lets at most `most` requests be worked on at once, whatever connections there are; another gets `Overloaded` at once.

    Probes and metrics are always answered: a busy process is to be seen, and not to be restarted.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self.app = app
        self._most = most
        self._in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self.app(scope, receive, send)
            return
        if self._in_work >= self._most:
            REFUSED.labels(Overloaded.code).inc()
            raise Overloaded(headers={"Retry-After": "1"})
        self._in_work += 1
        IN_WORK.inc()
        try:
            await self.app(scope, receive, send)
        finally:
            self._in_work -= 1
            IN_WORK.dec()


class DeadlineMiddleware:
    """A body has `body_timeout` seconds to arrive and then the handler `request_timeout` to answer; both by cancellation.

    Cancelling the handler rolls its transaction back and makes the driver cancel the statement. Once an answer has begun there is
    no deadline. An answer that comes before the whole body closes the connection, so that nothing more of it is read.
    """

    def __init__(self, app: ASGIApp, *, body_timeout: float, request_timeout: float) -> None:
        self.app = app
        self._body_timeout = body_timeout
        self._request_timeout = request_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        arriving, started, receiving = _announces_body(scope), False, False
        allowed = self._body_timeout if arriving else self._request_timeout
        try:
            async with asyncio.timeout(allowed) as deadline:

                async def receiver() -> Message:
                    nonlocal arriving, receiving
                    receiving = True
                    message = await receive()
                    receiving = False
                    if arriving and not message.get("more_body", False):
                        arriving = False
                        deadline.reschedule(asyncio.get_running_loop().time() + self._request_timeout)
                    return message

                async def sender(message: Message) -> None:
                    nonlocal started
                    if message["type"] == "http.response.start":
                        started = True
                        deadline.reschedule(None)
                        if arriving:
                            MutableHeaders(scope=message)["Connection"] = "close"
                    await _send_and_linger(message, receive, send, arriving=arriving)

                await self.app(scope, receiver, sender)
        except TimeoutError:
            if started or not deadline.expired():
                raise
            error: DomainError = SlowBody() if receiving else RequestTimedOut(headers={"Retry-After": "5"})
            error.headers["Connection"] = "close"

            async def last_sender(message: Message) -> None:
                await _send_and_linger(message, receive, send, arriving=arriving)

            await answer_to(error, locale_of_scope(scope))(scope, receive, last_sender)


async def _send_and_linger(message: Message, receive: Receive, send: Send, *, arriving: bool) -> None:
    """Send; before an answer that overtook its body is complete, throw away for a second what still arrives, but slowly.

    Closing a connection with unread data resets it: a client that is still sending must have time to read the answer.
    """
    if not arriving or message["type"] != "http.response.body" or message.get("more_body", False):
        await send(message)
        return
    await send({**message, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):  # noqa: ASYNC110  # nothing is waited for: this slows the sender down
                await asyncio.sleep(LINGER_SECONDS / 20)
    await send({"type": "http.response.body", "body": b""})


def _announces_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _refuse_unclear(scope: Scope) -> None:
    """U+0000, which no column holds, and a parameter given twice, of which two readers take different ones."""
    query = scope["query_string"]
    if b"%00" in query or "\0" in scope["path"]:
        raise InvalidInput
    if b"&" in query:
        names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
        if len(set(names)) < len(names):
            raise InvalidInput


def _header(scope: Scope, name: bytes, shape: re.Pattern[str]) -> str | None:
    value = next((value for key, value in scope["headers"] if key == name), b"").decode("latin-1")
    return value if shape.fullmatch(value) else None


def _traceparent(scope: Scope) -> str | None:
    """The span that FastAPI opened for the request, which continues the caller's trace; without tracing, what the caller sent."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    return _header(scope, b"traceparent", _TRACEPARENT)


def _report(scope: Scope, status: int, seconds: float) -> None:
    """Metrics and access log, by the route's template: the path and the query are the caller's words."""
    route = getattr(scope.get("route"), "path", "unmatched")
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    REQUESTS.labels(method, route, status).observe(seconds)
    if route not in _QUIET:
        _log.info(
            "request", method=method, route=route, status=status, ms=round(seconds * 1000, 1), actor=current_context().actor
        )
