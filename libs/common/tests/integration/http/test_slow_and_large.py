"""Abuse of the connection itself, against a real server: bodies without end, bodies that never come, shutdown under load."""

import asyncio
import json
import resource
from contextlib import suppress

import httpx
import pytest
from guanxi_testing.eventually import eventually
from guanxi_testing.sockets import read_answer, serving

pytestmark = pytest.mark.anyio

MEGABYTE = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
HEAD = "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer rm-a\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("path", "limit"), [("/v1/notes", 0x40000), ("/v1/hot-notes", 0x40000), ("/v1/hot-notes:batchCreate", 0x1000000)]
)
async def test_a_gigabyte_in_chunks_is_cut_off_with_flat_memory(service, path, limit):
    async with serving(service.app) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sent = 0

        async def send() -> None:
            nonlocal sent
            writer.write(HEAD.format(path=path).encode() + b"Transfer-Encoding: chunked\r\n\r\n")
            with suppress(ConnectionError):
                for _ in range(1024):
                    writer.write(MEGABYTE)
                    await writer.drain()
                    sent += len(MEGABYTE)

        sending = asyncio.create_task(send())
        status, headers, body = await asyncio.wait_for(read_answer(reader), 20)
        await sending
        writer.close()
    assert (status, headers["content-type"], json.loads(body)["code"]) == (413, "application/problem+json", "body_too_large")
    assert headers["connection"] == "close"
    assert sent < limit + 0x2000000
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 3 * limit + 0x2000000


async def test_an_announced_gigabyte_is_refused_before_a_byte_of_it(service):
    async with serving(service.app) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD.format(path="/v1/notes").encode() + b"Content-Length: 1073741824\r\n\r\n")
        status, headers, _ = await asyncio.wait_for(read_answer(reader), 5)
        writer.close()
    assert (status, headers["connection"]) == (413, "close")


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/hot-notes"])
async def test_a_body_that_does_not_come_is_cut_off(start, path):
    async with start(body_timeout=0.3) as service, serving(service.app) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD.format(path=path).encode() + b"Content-Length: 100\r\n\r\n{")

        async def drip() -> None:
            with suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        status, headers, body = await asyncio.wait_for(read_answer(reader), 5)
        writer.close()
        await dripping
    assert (status, headers["connection"], json.loads(body)["code"]) == (408, "close", "slow_body")


async def test_a_request_in_flight_is_answered_before_the_server_ends(service):
    async with serving(service.app) as (running, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        headers = {"Authorization": "Bearer rm-a"}
        slow = asyncio.create_task(client.post("/v1/notes:run", json={"sql": "SELECT pg_sleep(0.5)"}, headers=headers))

        async def asleep() -> bool:
            async with service.database.transaction(readonly=True) as uow:
                query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.5)' AND state = 'active'"
                return bool(await uow.driver.fetchval(query))

        await eventually(asleep)
        running.should_exit = True
        assert (await slow).status_code == 204
