"""The three services in one process on real databases and loopback sockets, with a small bank in them, as tests see it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from fastapi import FastAPI
from guanxi_common.db.uow import Database
from guanxi_common.http.rates import RateLimiter
from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.security.issuer import LocalIssuer

T = TypeVar("T")


@dataclass
class House:
    """The running services. `ids` names what was seeded: `rm_a`, `north`, `customer:own`, `task:other`, `plan:own`, …

    Its methods are called from the tests' thread; everything asynchronous runs in the house's own.
    """

    loop: asyncio.AbstractEventLoop
    issuer: LocalIssuer
    apps: dict[str, FastAPI] = field(default_factory=dict)
    databases: dict[str, Database] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    bus: EmbeddedBus = field(init=False)
    keys: DatabaseKeyStore = field(init=False)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, caller: str) -> str:
        """The caller's token; one for all of its calls, as a session has it."""
        if caller not in self.tokens:
            self.tokens[caller] = self.issuer.issue(caller, kind="client" if caller == "service" else "staff")
        return self.tokens[caller]

    def call(self, service: str, caller: str | None, method: str, path: str, **request: Any) -> httpx.Response:
        """One request; every one has an Idempotency-Key of its own and an If-Match, which operations without them ignore."""
        headers = {"Idempotency-Key": str(uuid4()), "If-Match": "*", **request.pop("headers", {})}
        if caller is not None:
            headers["Authorization"] = f"Bearer {self.token(caller)}"
        return self.client.request(method, self.urls[service] + path, headers=headers, **request)

    def create(self, service: str, caller: str, path: str, body: Any) -> str:
        answer = self.call(service, caller, "POST", path, json=body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json().get("id"))

    def enter(self, proposer: str, approver: str, path: str, body: Any) -> str:
        """A new entry of the directory, by two people where these are needed; returns its id."""
        answer = self.call("customer", proposer, "POST", path, json={**body, "reason": "A test needs it."})
        assert answer.is_success, answer.text
        if answer.status_code == httpx.codes.CREATED:
            return str(answer.json()["id"])
        proposal = answer.json()
        approval = f"/v1/directory-proposals/{proposal['id']}:approve"
        approved = self.call("customer", approver, "POST", approval, json={"reason": "A test needs it."})
        assert approved.is_success, approved.text
        return str(proposal["entry_id"])

    def register(self, caller: str, outlet: str, **extra: Any) -> str:
        """A new customer of the outlet; of the caller's own, if that is an RM."""
        return self.create("customer", caller, "/v1/customers", registration(self.ids[outlet], **extra))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def fetch(self, service: str, query: str, *arguments: Any) -> list[Any]:
        """Run a statement in a service's database and commit."""

        async def execute() -> list[Any]:
            async with self.databases[service].transaction() as uow:
                rows: list[Any] = await uow.driver.fetch(query, *arguments)
                await uow.commit()
                return rows

        return self.run(execute())

    def limit_rates(self, rates: dict[str, str]) -> None:
        for app in self.apps.values():
            app.state.edge.limiter = RateLimiter(rates)


def registration(outlet_id: str, **extra: Any) -> dict[str, Any]:
    """The body of a registration, with a customer number of its own."""
    reference = {"source": "core", "customer_number": uuid4().hex}
    return {"reference": reference, "customer_type": "individual", "name": "王小明", "outlet_id": outlet_id, **extra}
