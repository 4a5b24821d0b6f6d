"""Runs an application with uvicorn, with the limits that uvicorn leaves open by default."""

from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

GRACEFUL_SECONDS = 20
"""More than a body's and a request's deadline together would need after a drain: what is in flight ends by itself before."""


def server(app: FastAPI | Callable[[], FastAPI], *, host: str = "127.0.0.1", port: int) -> uvicorn.Server:
    """The server of `app` (or of the factory of it).

    On SIGTERM it takes no more connections, lets the requests in flight end (at most 20 s), and only then closes the parts: by
    default uvicorn would wait for ever. More than 512 requests at once get 503. It writes no access log: the application does.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        factory=not isinstance(app, FastAPI),
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_keep_alive=15,
        limit_concurrency=512,
        backlog=1024,
        h11_max_incomplete_event_size=64 * 1024,
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
