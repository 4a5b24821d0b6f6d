"""`/livez`, `/healthz` and `/metrics` of a worker process, on loopback unless told otherwise."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guanxi_common.http.connections import bounded
from guanxi_common.parts import Part, health_of

MOST_CONNECTIONS = 256


def create_worker_app(service: str, parts: Sequence[Part]) -> Starlette:
    """`/livez` answers while the event loop turns, `/healthz` says how each part fares, `/metrics` is Prometheus's.

    `/healthz` answers 200 however the parts fare: whoever restarts a worker for one part stops the others.
    """

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def healthy(_: Request) -> Response:
        return JSONResponse(health_of(service, "worker", parts))

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", live), Route("/healthz", healthy), Route("/metrics", metrics)])


async def serve_worker_http(
    service: str,
    parts: Sequence[Part],
    stop: asyncio.Event,
    *,
    port: int,
    host: str = "127.0.0.1",
    on_listening: Callable[[], None] = lambda: None,
) -> None:
    """Serve in this event loop until `stop` is set: a loop that is blocked does not answer. Raises OSError if the port is taken."""
    app = create_worker_app(service, parts)
    # uvicorn would end the process where the port is taken.
    listening = socket.create_server((host, port), backlog=32)
    on_listening()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        http=bounded(MOST_CONNECTIONS),
        ws="none",
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
