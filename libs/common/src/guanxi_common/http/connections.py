"""One HTTP/1.1 connection: uvicorn's protocol on httptools, with the bounds that it leaves open. ADR 35 says why not another server.

| What comes | What happens |
|---|---|
| nothing, or a head that is not complete after 10 s | 408 and the end; silence alone gets no answer |
| a head of more than 32 KiB or 100 fields, complete or not | 431 and the end |
| chunk sizes, extensions and trailers of more than 32 KiB beyond as much body | 431 or the end |
| what is no HTTP | 400 and the end |
| a client that takes nothing of its answer for 30 s | the end |
| more connections than the process has descriptors for | 503 and the end |

A body has its deadline in `middleware`, and a connection that has been served ends after 15 s without another request. All refusals are
problem documents. After one the connection is read, and thrown away, for a second: a reset would take the answer from the client.
"""

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from guanxi_common.errors import DomainError
from guanxi_common.http.browsers import HEADERS
from guanxi_common.http.metrics import REFUSED
from guanxi_common.http.problems import BadRequest, HeadTooLarge, Overloaded, SlowHead, locale_of, problem_response

HEAD_BYTES = 32 * 1024
HEAD_FIELDS = 100
HEAD_SECONDS = 10.0
STALL_SECONDS = 30.0
LINGER_SECONDS = 1.0


def bounded(most_connections: int) -> Any:
    """The `http` of a uvicorn `Config`: each connection is a `BoundedProtocol`."""
    return partial(BoundedProtocol, most_connections=most_connections)


class BoundedProtocol(HttpToolsProtocol):
    """See the module. `most_connections` is of the process, not of a client: that limit is the proxy's."""

    def __init__(self, *arguments: Any, most_connections: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._most_connections = most_connections
        self._head_deadline: asyncio.TimerHandle | None = None
        self._stall_deadline: asyncio.TimerHandle | None = None
        self._has_begun = False
        self._is_refused = False
        self._head = self._fields = self._arrived = self._body = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        if len(self.connections) > self._most_connections:
            self._refuse(Overloaded(headers={"Retry-After": "1"}))
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget(self._head_deadline)
        self._forget(self._stall_deadline)

    def data_received(self, data: bytes) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        self._arrived += len(data)
        super().data_received(data)
        if self._arrived > HEAD_BYTES + 2 * self._body:
            self._refuse(HeadTooLarge())
        elif self._is_at_work():
            self._forget(self._head_deadline)
            self._head_deadline = None
        elif self._head_deadline is None:
            self._expect_head()

    def on_message_begin(self) -> None:
        self._has_begun = True
        self._head = self._fields = self._arrived = self._body = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of a chunked body's trailer."""
        self._fields += 1
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._has_begun = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # the parser's words are not for clients
        self._refuse(HeadTooLarge() if self._is_over() else BadRequest())

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing is upgraded here; uvicorn would log two lines of advice for each client that asks."""

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget(self._stall_deadline)
        if self.transport.is_closing():
            self._expect_reader()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_reader()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._expect_reader()

    def _count(self, size: int) -> None:
        """Raises within the parser, which then asks for `send_400_response`."""
        self._head += size
        if self._is_over():
            raise OverflowError

    def _is_over(self) -> bool:
        return self._head > HEAD_BYTES or self._fields > HEAD_FIELDS

    def _is_at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        self._head_deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _expect_reader(self) -> None:
        """Cut the connection unless what is written is taken in time: a transport that is closing waits for that without end."""
        self._forget(self._stall_deadline)
        self._stall_deadline = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def _forget(self, deadline: asyncio.TimerHandle | None) -> None:
        if deadline is not None:
            deadline.cancel()

    def _give_up(self) -> None:
        """The head did not come in time."""
        if self._is_at_work():
            return
        if self._has_begun:
            self._refuse(SlowHead())
        else:
            self.transport.close()

    def _refuse(self, error: DomainError) -> None:
        """Answer with the problem and end the connection; in the middle of another answer, end it at once."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        REFUSED.labels(error.code).inc()
        if self._is_at_work():
            self.transport.abort()
            return
        error.headers["Connection"] = "close"
        wanted = next((value for name, value in self.headers or () if name == b"accept-language"), b"")
        response = problem_response(error, locale_of(wanted.decode("latin-1")))
        fields = [*self.server_state.default_headers, *response.raw_headers, *HEADERS]
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        self.transport.write(STATUS_LINE[error.status] + head + b"\r\n" + bytes(response.body))
        self.transport.write_eof()
        self._forget(self._stall_deadline)
        self._stall_deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
