"""`/livez` and `/metrics` of a worker process, on loopback unless told otherwise."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

STALLED_SECONDS: Final = 180.0
"""Three times the consumer's batch deadline: a worker that is merely slow is left alone."""

Progress = Mapping[str, Callable[[], float]]
"""By part (a consumer group, the relay): how many seconds ago it last made progress."""


def create_worker_app(progress: Progress, *, stalled_after: float = STALLED_SECONDS) -> Starlette:
    """`/livez` answers 503 and names the parts that made no progress for `stalled_after` seconds; `/metrics` is Prometheus's."""

    async def live(_: Request) -> Response:
        stalled = sorted(part for part, seconds in progress.items() if seconds() > stalled_after)
        return JSONResponse({"status": "stalled" if stalled else "ok", "stalled": stalled}, 503 if stalled else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", live), Route("/metrics", metrics)])


async def serve_worker_http(
    progress: Progress,
    stop: asyncio.Event,
    *,
    port: int,
    host: str = "127.0.0.1",
    stalled_after: float = STALLED_SECONDS,
) -> None:
    """Serve in this event loop until `stop` is set: a loop that is blocked does not answer. Raises OSError if the port is taken."""
    app = create_worker_app(progress, stalled_after=stalled_after)
    # uvicorn would end the process where the port is taken.
    listening = socket.create_server((host, port), backlog=32)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        limit_concurrency=32,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve([listening]))
        stopped = group.create_task(stop.wait())
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopped.cancel()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the worker has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
