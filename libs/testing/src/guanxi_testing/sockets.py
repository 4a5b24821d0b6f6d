"""A real server in the test's own loop, and answers read from its sockets byte by byte."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from fastapi import FastAPI
from guanxi_common.http.serve import server

from guanxi_testing.eventually import eventually


def free_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """The application on a free port of the server that ships; yields the server and the port."""
    port = free_port()
    running = server(app, port=port)
    task = asyncio.create_task(running.serve())

    async def started() -> bool:
        return running.started

    await eventually(started)
    try:
        yield running, port
    finally:
        running.should_exit = True
        await task


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """The one answer on a connection that the server closes; status 0 if there was none."""
    raw = b""
    with suppress(ConnectionResetError):
        while part := await reader.read(65_536):
            raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    if not head:
        return 0, {}, b""
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body
