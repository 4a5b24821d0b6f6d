"""D18: what one client does with its sockets costs nobody else: heads without end, silence, unread answers, too much at once."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from guanxi_common.http import connections, serve
from guanxi_testing.eventually import eventually
from guanxi_testing.sockets import read_answer, serving

pytestmark = pytest.mark.anyio

GET = b"GET /v1/hot-notes/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer rm-a\r\n"
POST = b"POST /v1/notes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer rm-a\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def served(service) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    await service.client.post("/v1/notes", json={"name": "Li Wei", "amount": 5}, headers={"Idempotency-Key": "first"})
    async with serving(service.app) as (running, port):
        yield running, port


async def exchange(port: int, *parts: bytes, pause: float = 0) -> tuple[int, dict[str, str], bytes]:
    """Send the parts until the server has enough, and read the one answer that ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        with suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)

    sending = asyncio.create_task(send())
    answer = await asyncio.wait_for(read_answer(reader), 30)
    sending.cancel()
    writer.close()
    return answer


def problem(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert len(body) == int(headers["content-length"])
    return status, json.loads(body)["code"]


LARGE_HEADS: dict[str, list[bytes]] = {
    "a long field": [GET, b"X: " + b"x" * 40_000 + b"\r\n\r\n"],
    "a field without end": [GET, b"X: ", *[b"x" * 8_192] * 100],
    "a name without end": [GET, *[b"x" * 8_192] * 100],
    "a path without end": [b"GET /", *[b"x" * 8_192] * 100],
    "a long path": [b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n"],
    "many fields": [GET, *[b"X: x\r\n"] * 100, b"\r\n"],
    "fields without end": [GET, *[b"X: x\r\n" * 50] * 500],
}


@pytest.mark.parametrize("parts", LARGE_HEADS.values(), ids=LARGE_HEADS)
async def test_a_head_has_a_size(served: tuple[uvicorn.Server, int], parts: list[bytes]) -> None:
    assert problem(await exchange(served[1], *parts)) == (431, "head_too_large")


SLOW_HEADS: dict[str, tuple[list[bytes], int]] = {
    "half a request line": ([b"GET /v1"], 408),
    "half a head": ([GET], 408),
    "a head that drips": ([GET, *[b"X-Drip: x\r\n"] * 90], 408),
    "half a head after a request": ([GET + b"\r\n", GET], 408),
    "silence": ([], 0),
    "empty lines": ([b"\r\n"] * 100, 0),
    "silence after a request": ([GET + b"\r\n"], 200),
    "empty lines after a request": ([GET + b"\r\n", *[b"\r\n"] * 100], 200),
}


@pytest.mark.parametrize(("parts", "status"), SLOW_HEADS.values(), ids=SLOW_HEADS)
async def test_a_head_has_a_time(
    served: tuple[uvicorn.Server, int], parts: list[bytes], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    served[0].config.timeout_keep_alive = 1
    status_line, _, body = await exchange(served[1], *parts, pause=0.02)
    last = int(body.rpartition(b"HTTP/1.1 ")[2][:3]) if b"HTTP/1.1 " in body else status_line
    assert last == status


ENDLESS_FRAMES: dict[str, list[bytes]] = {
    "an extension of a chunk": [b"1;", *[b"x" * 8_192] * 100],
    "a trailer": [b"1\r\n{\r\n0\r\nX: ", *[b"x" * 8_192] * 100],
    "trailers": [b"1\r\n{\r\n0\r\n", *[b"X: x\r\n" * 50] * 200],
    "chunks of one byte": [b"00000001\r\nx\r\n" * 4_000] * 20,
}


@pytest.mark.parametrize("parts", ENDLESS_FRAMES.values(), ids=ENDLESS_FRAMES)
async def test_what_frames_a_body_has_a_size(served: tuple[uvicorn.Server, int], parts: list[bytes]) -> None:
    status, _, _ = await exchange(served[1], POST + b"Transfer-Encoding: chunked\r\n\r\n", *parts)
    assert status in (0, 431)
    assert await _answers(served[1])


@pytest.mark.parametrize("size", [3, 1_000])
async def test_a_body_in_small_chunks_is_taken(served: tuple[uvicorn.Server, int], size: int) -> None:
    body = json.dumps({"name": "x" * 4_000, "amount": 5}).encode()
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[at : at + size] for at in range(0, len(body), size))]
    head = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await exchange(served[1], head, *chunks, b"0\r\nX-Trailer: x\r\n\r\n"))[0] == 201


MALFORMED: dict[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "CONNECT": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a version to come": b"GET / HTTP/9.9\r\n\r\n",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_http_gets_a_problem(served: tuple[uvicorn.Server, int], raw: bytes) -> None:
    assert problem(await exchange(served[1], raw)) == (400, "bad_request")


async def test_a_refusal_speaks_the_clients_language(served: tuple[uvicorn.Server, int]) -> None:
    _, headers, body = await exchange(served[1], b"GET / HTTP/1.1\r\nAccept-Language: zh-CN\r\nHost: x\r\nno field\r\n\r\n")
    assert (headers["content-language"], json.loads(body)["title"]) == ("zh", "请求错误")


async def test_an_upgrade_goes_to_no_other_protocol(served: tuple[uvicorn.Server, int]) -> None:
    upgrade = b"Connection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert (await exchange(served[1], GET + upgrade))[0] == 200


async def test_a_head_request_has_no_body_on_the_wire(served: tuple[uvicorn.Server, int]) -> None:
    _, _, rest = await exchange(served[1], b"HEAD" + GET[3:] + b"\r\n" + GET + b"Connection: close\r\n\r\n")
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.count(b"HTTP/1.1 ") == 1


async def test_a_client_that_takes_no_answer_is_cut_off(
    served: tuple[uvicorn.Server, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STALL_SECONDS", 0.5)
    running, port = served
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000)
    await eventually(lambda: _holds(running, 1))
    await eventually(lambda: _holds(running, 0), timeout=30)
    writer.close()


async def _holds(running: uvicorn.Server, count: int) -> bool:
    return len(running.server_state.connections) == count


async def _answers(port: int) -> bool:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer rm-a"}) as client:
        return (await client.get("/v1/hot-notes/1")).status_code == 200


async def test_a_thousand_idle_connections_stop_nobody_and_are_cut_off(
    served: tuple[uvicorn.Server, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, port = served
    assert await _answers(port)
    await eventually(lambda: _holds(running, 0))
    monkeypatch.setattr(connections, "HEAD_SECONDS", 3.0)
    idle = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(1_000)]
    assert await _answers(port)
    await eventually(lambda: _holds(running, 0), timeout=60)
    for writer in idle:
        writer.close()


async def test_requests_over_the_limit_are_refused_and_idle_connections_do_not_count(start) -> None:
    async with start(most_in_work=2) as service, serving(service.app) as (_, port):
        blocker = await asyncpg.connect(service.url)
        await blocker.execute("SELECT pg_advisory_lock(7)")
        idle = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(5)]
        headers = {"Authorization": "Bearer rm-a"}
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
                await _three_where_two_may(client, blocker)
        finally:
            await blocker.close()
            for writer in idle:
                writer.close()


async def _three_where_two_may(client: httpx.AsyncClient, blocker: "asyncpg.Connection[Any]") -> None:
    wait = {"sql": "SELECT pg_advisory_xact_lock(7)"}
    working = [asyncio.create_task(client.post("/v1/notes:run", json=wait)) for _ in range(2)]

    async def both_wait() -> bool:
        return await blocker.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 2

    await eventually(both_wait)
    refused = await client.get("/v1/notes", headers={"Accept-Language": "zh"})
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["title"] == "服务繁忙"
    assert [(await client.get(path)).status_code for path in ("/livez", "/readyz", "/metrics")] == [200] * 3
    await blocker.execute("SELECT pg_advisory_unlock(7)")
    assert [answer.status_code for answer in await asyncio.gather(*working)] == [204, 204]
    assert (await client.get("/v1/notes")).status_code == 200


async def test_more_connections_than_descriptors_are_refused(service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "MOST_CONNECTIONS", 3)
    async with serving(service.app) as (running, port):
        held = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(3)]
        await eventually(lambda: _holds(running, 3))
        answer = await exchange(port)
        assert problem(answer) == (503, "overloaded")
        assert answer[1]["retry-after"] == "1"
        held.pop().close()

        async def served_again() -> bool:
            return (await exchange(port, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))[0] == 200

        await eventually(served_again)
        for writer in held:
            writer.close()


UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to", "allowed"),
    [
        (1_024, 65_536, 16_640, 16_384),
        (1_024, 4_096, 4_096, 3_840),
        (1_024, 1_024, None, 768),
        (65_536, 65_536, None, 16_384),
        (1_024, UNLIMITED, 16_640, 16_384),
        (UNLIMITED, UNLIMITED, None, 16_384),
        (64, 64, None, 1),
    ],
)
def test_the_limit_of_descriptors_is_raised_as_far_as_it_goes(
    soft: int, hard: int, raised_to: int | None, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: calls.append(limits))
    assert serve.connections_allowed() == allowed
    assert calls == ([] if raised_to is None else [(raised_to, hard)])
