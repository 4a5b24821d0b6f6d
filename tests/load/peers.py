"""What every contender of the benchmark is called by, and the limit of a read: the server in process, without an HTTP client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec

App = Callable[..., Awaitable[None]]


def bare_app(pool: "asyncpg.Pool[Any]", statement: str, *arguments: Any) -> App:
    """The limit of a read: an ASGI application that selects and encodes, and nothing else."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        rows = await pool.fetch(statement, *arguments)
        body = msgspec.json.encode([dict(row) for row in rows], enc_hook=str)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    return app


async def call(app: App, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One request straight into the application: what is measured is the server, not an HTTP client."""
    sent: list[dict[str, Any]] = []
    received = iter([{"type": "http.request", "body": body, "more_body": False}])
    never = asyncio.Event()

    async def receive() -> dict[str, Any]:
        first = next(received, None)
        if first is None:
            await never.wait()
        return first or {}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": fields,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    if sent[0]["status"] >= 400:
        raise AssertionError(f"{method} {path} answered {sent[0]['status']}: {sent[1].get('body', b'')[:300]!r}")
    return b"".join(message.get("body", b"") for message in sent[1:])


async def concurrently(work: Callable[[], Awaitable[Any]], total: int, workers: int = 8) -> int:
    """Do `work` `total` times, `workers` at once."""

    async def some() -> None:
        for _ in range(total // workers):
            await work()

    await asyncio.gather(*(some() for _ in range(workers)))
    return total // workers * workers
