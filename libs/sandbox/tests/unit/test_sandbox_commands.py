"""The commands against a real socket: the tokens they present, and what a second run does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from guanxi_sandbox import commands
from guanxi_sandbox.export import choose_accounts
from joserfc import jwt
from joserfc.jwk import KeySet

pytestmark = pytest.mark.anyio

FIXTURE = Path(__file__).parents[4] / "tests/fixtures/berka_20_accounts.csv"
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def served(bank) -> Iterator[tuple[str, set[str]]]:
    """The bank's API on a loopback port, and the tokens it was shown."""
    tokens: set[str] = set()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: Nagle's algorithm would hold the second for 40 ms

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = httpx.Request(self.command, f"http://bank.test{self.path}", headers=dict(self.headers), content=body)
            with lock:
                tokens.add(self.headers["Authorization"].removeprefix("Bearer "))
                answer = bank.answer(request)
            content = json.dumps(answer.json()).encode()
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self.do_POST()

        def do_PATCH(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", tokens
    server.shutdown()
    server.server_close()


async def test_a_load_then_nothing_then_a_replay(bank, served, berka, tmp_path, monkeypatch):
    url, tokens = served
    part = berka.only(choose_accounts(berka, 20))
    monkeypatch.setattr(commands, "read_berka", lambda _folder: part)

    report = await commands.load_into(url, tmp_path, ZONE)
    assert report.transactions.statuses == {"created": len(part.transactions)}
    assert len(bank.customers) == len(bank.assignments) == len(part.clients)

    requests = bank.requests
    assert (await commands.load_into(url, tmp_path, ZONE)).added == {}
    assert bank.requests == requests

    replayed = await commands.replay_into(url, tmp_path, FIXTURE, shift=True)
    assert replayed.statuses == {"duplicate": len(part.transactions)}

    keys = KeySet.import_key_set(json.loads((tmp_path / "issuer/jwks.json").read_text()))
    subjects = {jwt.decode(token, keys, ["ES256"]).claims["sub"] for token in tokens}
    assert subjects == {"president", "compliance", "core-banking"}


async def test_d19_a_replayed_files_own_source_is_allowed_by_two_people_first(bank, served, berka, tmp_path, monkeypatch):
    url, _ = served
    monkeypatch.setattr(commands, "read_berka", lambda _folder: berka.only(choose_accounts(berka, 1)))
    await commands.load_into(url, tmp_path, ZONE)
    file = tmp_path / "own.csv"
    header = "source,account,external_id,booked_on,amount_minor,currency,code,balance_after_minor"
    file.write_text(f"{header}\nmine,1,T-1,2026-11-16,-5590000,CNY,cash_withdrawal,\n", "utf-8")
    for _ in range(2):
        assert (await commands.replay_into(url, tmp_path, file)).statuses.total() == 1
        assert bank.clients["core-banking"]["sources"] == ["berka", "core", "mine"]
    assert len([proposal for proposal in bank.proposals if proposal == "widened"]) == 1
