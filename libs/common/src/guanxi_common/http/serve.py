"""Runs an application with uvicorn, with the limits that uvicorn leaves open by default."""

import resource
from collections.abc import Callable

import structlog
import uvicorn
from fastapi import FastAPI

from guanxi_common.http.connections import bounded

GRACEFUL_SECONDS = 20
"""More than a body's and a request's deadline together would need after a drain: what is in flight ends by itself before."""
MOST_CONNECTIONS = 16_384
KEPT_DESCRIPTORS = 256
"""For the pool, files and listeners: no number of connections takes them."""
_log = structlog.get_logger("guanxi.http")


def server(app: FastAPI | Callable[[], FastAPI], *, host: str = "127.0.0.1", port: int) -> uvicorn.Server:
    """The server of `app` (or of the factory of it).

    On SIGTERM it takes no more connections, lets the requests in flight end (at most 20 s), and only then closes the parts: by
    default uvicorn would wait for ever. Connections are bounded by `BoundedProtocol` and work by `WorkMiddleware`; uvicorn's own
    `limit_concurrency` counts idle connections as work. It writes no access log: the application does.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        factory=not isinstance(app, FastAPI),
        http=bounded(connections_allowed()),
        ws="none",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_keep_alive=15,
        backlog=2048,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=True,
    )
    return uvicorn.Server(config)


def serve(app: FastAPI | Callable[[], FastAPI], *, host: str = "127.0.0.1", port: int) -> None:
    """Serve until SIGINT or SIGTERM. Blocks."""
    server(app, host=host, port=port).run()


def connections_allowed() -> int:
    """How many connections the process can hold. Raises its soft limit of descriptors as far as that needs; logs where it cannot."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + KEPT_DESCRIPTORS
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < possible:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
    if possible < wanted:
        _log.warning("descriptors_are_few", limit=possible, wanted=wanted)
    return max(possible - KEPT_DESCRIPTORS, 1)
