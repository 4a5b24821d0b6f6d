"""The shipped nginx configuration in a real nginx: routes, limits by client, and problem documents for its own refusals.

Without nginx these tests are skipped, and the summary says so; with `REQUIRE_NGINX=1`, as in CI, they fail.
"""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from guanxi_common.http.health import catalogue
from guanxi_testing.eventually import eventually
from guanxi_testing.sockets import free_port, read_answer

pytestmark = pytest.mark.anyio

CONFIGURATION = Path(__file__).parents[2] / "deploy/nginx/nginx.conf"
SERVICES = ("customer", "engagement", "scoring")
LOOPBACK = "set_real_ip_from 127.0.0.1;\n"
"""The balancer that is trusted."""
A_YEAR_OF_TLS = "max-age=31536000; includesubdomains"
GET = b"GET /v1/customers HTTP/1.1\r\nHost: x\r\n"


@dataclass(frozen=True)
class Proxy:
    """A running nginx, and the port at which each service is expected behind it."""

    port: int
    services: dict[str, int]

    def client(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers)


def _nginx() -> str:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None and os.environ.get("REQUIRE_NGINX") == "1":
        pytest.fail("no nginx", pytrace=False)
    if program is None:
        pytest.skip("no nginx")
    return program


@contextmanager
def _running(folder: Path, *, trusted: str = "", **changes: str) -> Iterator[Proxy]:
    """nginx with the shipped file, but for addresses, folders, and the settings in `changes`."""
    program = _nginx()
    folder.chmod(0o755)
    port, services = free_port(), {name: free_port() for name in SERVICES}
    text = CONFIGURATION.read_text("utf-8").replace("/tmp/", f"{folder}/").replace("/etc/nginx/", f"{folder}/")  # noqa: S108
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("worker_processes auto", "worker_processes 1")
    for name, own in services.items():
        text = re.sub(rf"server {name}-api:\d+;", f"server 127.0.0.1:{own};", text)
    for name, value in changes.items():
        text, count = re.subn(rf"\b{name} [^;]+;", f"{name} {value};", text)
        assert count == 1, name
    (folder / "nginx.conf").write_text(text, "utf-8")
    if trusted:
        (folder / "trusted-proxies.conf").write_text(trusted, "utf-8")
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    globals_ = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([*command, "-g", globals_], stderr=subprocess.DEVNULL)
    try:
        yield Proxy(port, services)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Without a balancer in front, and with short deadlines."""
    with _running(tmp_path_factory.mktemp("proxy"), client_header_timeout="1s", proxy_read_timeout="1s") as running:
        yield running


@asynccontextmanager
async def service(
    proxy: Proxy, name: str, answer: bytes = b"", *, gate: asyncio.Event | None = None
) -> AsyncIterator[list[bytes]]:
    """The service `name`: gives `answer` to whatever comes, once `gate` is set. Yields the heads that came."""
    heads: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                if gate is not None:
                    await gate.wait()
                writer.write(answer or b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Service: " + name.encode() + b"\r\n\r\n{}")
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", proxy.services[name])
    try:
        await eventually(lambda: _listens(proxy.port))
        yield heads
    finally:
        if gate is not None:
            gate.set()
        server.close()
        for writer in writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def raw(proxy: Proxy, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
    await eventually(lambda: _listens(proxy.port))
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
    answer = await asyncio.wait_for(read_answer(reader), 30)
    writer.close()
    return answer


def require_problem(status: int, headers: Any, body: bytes, code: str, language: str = "en") -> None:
    document = json.loads(body)
    assert headers["content-type"] == "application/problem+json"
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert headers["strict-transport-security"].lower() == A_YEAR_OF_TLS
    assert headers["content-security-policy"].startswith(
        "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors"
    )
    assert (headers["referrer-policy"], headers.get("server")) == ("no-referrer", "nginx")
    assert headers["content-language"] == language
    assert headers["x-request-id"] == document["request_id"]
    kind = catalogue()[code]
    assert document["title"] == kind.title.in_("zh" if language == "zh" else "en")
    assert (document["type"], document["code"], document["status"]) == (f"/problems/{code}", code, status)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/customers/1", "customer"),
        ("/problems/not_found", "customer"),
        ("/v1/worklist", "engagement"),
        ("/v1/scores/1", "scoring"),
    ],
)
async def test_a_path_goes_to_its_service(proxy: Proxy, path: str, name: str) -> None:
    async with service(proxy, name) as heads, proxy.client(**{"X-Request-ID": "mine"}) as client:
        answer = await client.get(path, headers={"X-Forwarded-For": "10.9.8.7"})
        assert (answer.status_code, answer.headers["x-service"]) == (200, name)
        assert answer.headers["strict-transport-security"].lower() == A_YEAR_OF_TLS
        await client.get(path, headers={"X-Request-ID": "no line\tof ours"})
    assert b"x-request-id: mine\r\n" in heads[0].lower()
    assert b"10.9.8.7" not in heads[0]
    assert b"no line" not in heads[1]


@pytest.mark.parametrize(("accepted", "language"), [("zh-CN,zh;q=0.9", "zh"), ("en", "en"), ("de", "en")])
async def test_what_is_no_ones_is_not_found_in_the_callers_language(proxy: Proxy, accepted: str, language: str) -> None:
    await eventually(lambda: _listens(proxy.port))
    async with proxy.client(**{"Accept-Language": accepted, "X-Request-ID": "mine"}) as client:
        for path in ("/livez", "/readyz", "/healthz", "/metrics", "/docs", "/openapi.json", "/", "/v1/nothing", "/problem"):
            answer = await client.get(path)
            assert answer.status_code == 404, path
            require_problem(404, answer.headers, answer.content, "not_found", language)
            assert answer.json()["request_id"] == "mine"
            assert (await client.head(path)).content == b""


REFUSED: dict[str, tuple[list[bytes], int, str]] = {
    "no HTTP": ([b"\x16\x03\x01\x02\x00\x01\r\n\r\n"], 400, "bad_request"),
    "no host": ([b"GET / HTTP/1.1\r\n\r\n"], 400, "bad_request"),
    "two lengths": ([GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"], 400, "bad_request"),
    "a length and chunks": ([GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"], 400, "bad_request"),
    "an announced gigabyte": ([GET + b"Content-Length: 1073741824\r\n\r\n"], 413, "body_too_large"),
    "a long path": ([b"GET /" + b"x" * 20_000, b" HTTP/1.1\r\nHost: x\r\n\r\n"], 414, "head_too_large"),
    "a long field": ([GET + b"X: " + b"x" * 20_000, b"\r\n\r\n"], 431, "head_too_large"),
    "a long head": ([GET, *[b"X: " + b"x" * 8_000 + b"\r\n"] * 8, b"\r\n"], 431, "head_too_large"),
    "TRACE": ([b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"], 405, "method_not_allowed"),
    "an unknown coding": ([GET + b"Transfer-Encoding: gzip\r\n\r\n"], 501, "internal_error"),
}


@pytest.mark.parametrize(("parts", "status", "code"), REFUSED.values(), ids=REFUSED)
async def test_its_own_refusals_are_problem_documents(proxy: Proxy, parts: list[bytes], status: int, code: str) -> None:
    answered, headers, body = await raw(proxy, *parts)
    assert answered == status
    require_problem(status, headers, body, code)


async def test_half_a_head_is_cut_off(proxy: Proxy) -> None:
    assert (await raw(proxy, GET))[0] in (0, 408)


async def test_a_service_that_is_away_or_slow_is_a_problem_that_says_when_to_come_back(proxy: Proxy) -> None:
    await eventually(lambda: _listens(proxy.port))
    async with proxy.client() as client:
        away = await client.get("/v1/customers")
        assert (away.status_code, away.headers["retry-after"]) == (502, "5")
        require_problem(502, away.headers, away.content, "unavailable")
        async with service(proxy, "customer", gate=asyncio.Event()):
            slow = await client.get("/v1/customers", timeout=30)
        assert (slow.status_code, slow.headers["retry-after"]) == (504, "5")
        require_problem(504, slow.headers, slow.content, "timed_out")


async def test_a_services_own_problem_passes_unchanged(proxy: Proxy) -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nContent-Length: 11\r\n\r\n" + b'{"own":"1"}'
    async with service(proxy, "scoring", answer), proxy.client() as client:
        assert (await client.get("/v1/scores/1")).json() == {"own": "1"}


FEW = {"limit_req_zone": "$binary_remote_addr zone=requests:1m rate=1r/m", "limit_req": "zone=requests burst=5 nodelay"}


async def _burst(proxy: Proxy) -> list[httpx.Response]:
    """Twenty requests to a service that is away, each with another address in X-Forwarded-For."""
    await eventually(lambda: _listens(proxy.port))
    async with proxy.client() as client:
        return [await client.get("/v1/customers", headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(20)]


async def test_a_client_has_a_rate_whatever_addresses_it_claims(tmp_path: Path) -> None:
    with _running(tmp_path, **FEW) as proxy:
        answers = await _burst(proxy)
    assert [answer.status_code for answer in answers] == [502] * 6 + [429] * 14
    require_problem(429, answers[-1].headers, answers[-1].content, "too_many_requests")
    assert answers[-1].headers["retry-after"] == "1"


async def test_behind_a_trusted_balancer_each_client_has_its_own_rate(tmp_path: Path) -> None:
    with _running(tmp_path, trusted=LOOPBACK, **FEW) as proxy:
        assert {answer.status_code for answer in await _burst(proxy)} == {502}


async def test_a_client_has_a_number_of_requests_at_once(tmp_path: Path) -> None:
    gate = asyncio.Event()
    with _running(tmp_path, trusted=LOOPBACK) as balanced:
        await _hundred_and_one(balanced, gate)


async def _hundred_and_one(balanced: Proxy, gate: asyncio.Event) -> None:
    async with service(balanced, "customer", gate=gate) as heads:
        waiting = [await asyncio.open_connection("127.0.0.1", balanced.port) for _ in range(100)]
        for _, writer in waiting:
            writer.write(GET + b"X-Forwarded-For: 198.51.100.1\r\n\r\n")

        async def all_arrived() -> bool:
            return len(heads) == 100

        await eventually(all_arrived)
        async with balanced.client() as client:
            refused = await client.get("/v1/customers", headers={"X-Forwarded-For": "198.51.100.1"})
            require_problem(429, refused.headers, refused.content, "too_many_requests")
            gate.set()
            other = await client.get("/v1/customers", headers={"X-Forwarded-For": "198.51.100.2"})
            assert other.status_code == 200
        for _, writer in waiting:
            writer.close()
            await writer.wait_closed()
