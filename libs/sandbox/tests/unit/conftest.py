"""The data set is read once for all tests of the sandbox; the bank's API is played in memory."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from guanxi_sandbox.berka import Berka, read_berka

POWER_ROLES = ("head_office", "compliance_officer", "operations")
FOLDER = Path(__file__).parents[4] / "deploy/sandbox/berka"


@pytest.fixture(scope="session")
def berka() -> Berka:
    return read_berka(FOLDER)


@pytest.fixture
def bank() -> "FakeBankApi":
    return FakeBankApi()


class FakeBankApi:
    """An in-memory customer-svc that keeps the public API's promises as far as the loader leans on them.

    Power roles and clients are entered by a proposal that is approved. `fail_after` lets that many requests through and then loses every
    connection.
    """

    def __init__(self) -> None:
        self.outlets: dict[str, dict[str, Any]] = {}
        self.staff: dict[str, dict[str, Any]] = {}
        self.clients: dict[str, dict[str, Any]] = {}
        self.products: dict[str, dict[str, Any]] = {}
        self.customers: dict[str, dict[str, Any]] = {}
        self.assignments: dict[str, dict[str, Any]] = {}
        self.accounts: dict[str, dict[str, Any]] = {}
        self.balances: dict[str, dict[str, Any]] = {}
        self.postings: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.said: dict[str, list[dict[str, Any]]] = {}
        self.proposals: dict[str, dict[str, Any]] = {}
        self.requests = 0
        self.batch_sizes: list[int] = []
        self.fail_after: int | None = None

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="http://bank.test")

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.fail_after is not None and self.requests > self.fail_after:
            raise httpx.ConnectError("lost", request=request)
        path = request.url.path
        _, _, *customer, what = path.split("/")
        if customer[:1] == ["customers"] and len(customer) == 2 and ":assign" not in what:
            return self._agreement(customer[1], what, request)
        if request.method == "GET":
            kept = {
                "/v1/outlets": self.outlets,
                "/v1/staff": self.staff,
                "/v1/clients": self.clients,
                "/v1/products": self.products,
            }[path]
            return self._page(list(kept.values()), dict(request.url.params))
        body = json.loads(request.content)
        if request.method == "PATCH":
            return self._widen(path.rpartition("/")[2], body, request.headers)
        if path == "/v1/customers:search":
            return self._search(body)
        if path.endswith(":batchCreate"):
            self.batch_sizes.append(len(body["items"]))
            take = self._posting if "transactions" in path else self._account
            return httpx.Response(200, json={"items": [{"index": i, **take(item)} for i, item in enumerate(body["items"])]})
        if path.endswith(":assign"):
            return self._assign(path.removeprefix("/v1/customers/").removesuffix(":assign"), body)
        if path.endswith(":approve"):
            return self._approve(path.removeprefix("/v1/directory-proposals/").removesuffix(":approve"), request)
        return self._create(path, body, request.headers)

    def _page(self, rows: list[dict[str, Any]], query: dict[str, Any]) -> httpx.Response:
        first, limit = int(query.get("cursor") or 0), int(query["limit"])
        more = str(first + limit) if first + limit < len(rows) else None
        return httpx.Response(200, json={"data": rows[first : first + limit], "next_cursor": more})

    def _search(self, body: dict[str, Any]) -> httpx.Response:
        rows = [
            row
            for row in self.customers.values()
            if body.get("outlet_id") in (None, row["outlet_id"])
            and body.get("rm_id") in (None, self.assignments.get(row["id"], {}).get("rm_id"))
        ]
        return self._page(rows, body)

    def _create(self, path: str, body: dict[str, Any], headers: httpx.Headers) -> httpx.Response:
        kept, name = {
            "/v1/outlets": (self.outlets, body.get("code")),
            "/v1/staff": (self.staff, body.get("subject")),
            "/v1/clients": (self.clients, body.get("client_id")),
            "/v1/products": (self.products, body.get("code")),
            "/v1/customers": (self.customers, body.get("reference", {}).get("customer_number")),
        }[path]
        assert headers["Idempotency-Key"]
        assert {link["product_code"] for link in body.get("links", [])} <= self.products.keys()
        if name in kept:
            return httpx.Response(409, json={"code": "already_registered"})
        if path == "/v1/clients" or body.get("role") in POWER_ROLES:
            return self._propose(path, name, body, headers["Authorization"])
        kept[name] = {"id": str(uuid4()), **body}
        return httpx.Response(201, json=kept[name])

    def _propose(self, path: str, name: Any, body: dict[str, Any], proposer: str) -> httpx.Response:
        """The same proposal for a request that is sent again."""
        entry = {"id": str(uuid4()), **body}
        proposal = {"id": f"proposal-{path.rpartition('/')[2]}-{name}", "entry_id": entry["id"], "state": "open"}
        kept = {"entry": entry, "name": name, "answer": proposal, "proposer": proposer, "path": path}
        self.proposals.setdefault(proposal["id"], kept)
        return httpx.Response(202, json=self.proposals[proposal["id"]]["answer"])

    def _widen(self, client_id: str, body: dict[str, Any], headers: httpx.Headers) -> httpx.Response:
        """A client gets more sources."""
        [client] = [client for client in self.clients.values() if client["id"] == client_id]
        kept = {"entry": client | body, "name": client["client_id"], "proposer": headers["Authorization"], "path": "/v1/clients"}
        proposal = {"id": "widened", "entry_id": client_id, "state": "open"}
        self.proposals["widened"] = kept | {"answer": proposal}
        return httpx.Response(202, json=proposal)

    def _approve(self, proposal_id: str, request: httpx.Request) -> httpx.Response:
        proposal = self.proposals[proposal_id]
        assert request.headers["Authorization"] != proposal["proposer"], "the proposer does not approve"
        kept = self.clients if proposal["path"] == "/v1/clients" else self.staff
        kept[proposal["name"]] = proposal["entry"]
        return httpx.Response(200, json=proposal["answer"] | {"state": "approved"})

    def _assign(self, customer_id: str, body: dict[str, Any]) -> httpx.Response:
        assert customer_id not in self.assignments, "a second assignment would be a transfer"
        self.assignments[customer_id] = body
        return httpx.Response(200, json={"data": []})

    def _agreement(self, customer_id: str, what: str, request: httpx.Request) -> httpx.Response:
        """A customer's consents, risk profiles, vulnerabilities or preferences."""
        assert customer_id in {customer["id"] for customer in self.customers.values()}
        collection, _, _ = what.partition(":")
        said = self.said.setdefault(f"{customer_id}/{collection}", [])
        if request.method != "GET":
            assert request.headers.get("Idempotency-Key") or request.headers.get("If-Match") == "*"
            said.append(json.loads(request.content))
        return httpx.Response(200, json={"data": said, "next_cursor": None})

    def _account(self, item: dict[str, Any]) -> dict[str, Any]:
        kept = self.accounts if item["kind"] == "opened" else self.balances
        if item["kind"] == "opened" and item["holder"]["customer_number"] not in self.customers:
            return {"status": "rejected", "error": {"code": "unknown_customer", "detail": "…"}}
        return {"status": "created" if kept.setdefault(item["account_number"], item) is item else "duplicate"}

    def _posting(self, item: dict[str, Any]) -> dict[str, Any]:
        before = self.postings.setdefault((item["source"], item["account_number"], item["external_id"]), item)
        if before is item:
            return {"status": "created" if item["account_number"] in self.accounts else "parked"}
        if before == item:
            return {"status": "duplicate"}
        return {"status": "rejected", "error": {"code": "content_differs", "detail": "…"}}
