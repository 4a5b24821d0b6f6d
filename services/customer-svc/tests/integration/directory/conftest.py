"""customer-svc's API on a real database, with two founders, a clock that tests move, and tokens for everybody."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from customer_svc import main
from customer_svc.directory import service as directory
from customer_svc.kinds import KINDS
from customer_svc.parts import CustomerParts
from customer_svc.settings import CustomerSettings
from customer_svc.standards import service as standards
from fastapi import FastAPI
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.http.authentication import Authenticator
from guanxi_common.http.rates import RateLimiter
from guanxi_common.http.settings import RATES
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.security.build import build_token_verifier
from guanxi_common.security.issuer import LOCAL_ISSUER, LocalIssuer
from guanxi_common.security.principal import CallerKind
from guanxi_common.standards import Register

FOUNDERS = (("ana", "head_office"), ("ben", "head_office"))
START = datetime(2026, 11, 28, 2, tzinfo=UTC)


def client_named(client_id: str, *sources: str) -> dict[str, Any]:
    return {"client_id": client_id, "name": client_id, "role": "core_banking", "sources": sources, "reason": "Goes live."}


@dataclass
class Office:
    """The API in this process. `ana` and `ben` are the founders; others are entered by them."""

    database: Database
    app: FastAPI
    issuer: LocalIssuer
    clock: ManualClock
    http: httpx.AsyncClient

    async def call(
        self, who: str, method: str, path: str, body: Any = None, *, key: str | None = None, kind: CallerKind = "staff"
    ) -> httpx.Response:
        """One request with an Idempotency-Key of its own, unless one is given, and any version in If-Match."""
        token = self.issuer.issue(who, kind=kind)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(uuid4()), "If-Match": "*"}
        return await self.http.request(method, path, json=body, headers=headers)

    async def post(self, who: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.call(who, "POST", path, body, **options)

    async def patch(self, who: str, subject: str, body: Any) -> httpx.Response:
        return await self.call(who, "PATCH", f"/v1/staff/{self.id(subject)}", body)

    async def client(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request with a client's token."""
        return await self.call(who, method, path, body, kind="client")

    async def let_in(self, client_id: str, *sources: str) -> dict[str, Any]:
        """A client, by two people."""
        proposal = await self.post("ana", "/v1/clients", client_named(client_id, *sources))
        assert proposal.status_code == httpx.codes.ACCEPTED, proposal.text
        assert (await self.decide("ben", proposal.json())).is_success
        entry: dict[str, Any] = (await self.call("ana", "GET", f"/v1/clients/{proposal.json()['entry_id']}")).json()
        return entry

    async def propose(self, who: str, subject: str, role: str = "head_office") -> dict[str, Any]:
        """A proposal to enter somebody in a power role."""
        answer = await self.post(who, "/v1/staff", {"subject": subject, "name": subject, "role": role, "reason": "Joins."})
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        proposal: dict[str, Any] = answer.json()
        return proposal

    async def decide(self, who: str, proposal: dict[str, Any], verb: str = "approve", **options: Any) -> httpx.Response:
        body = None if verb == "withdraw" else {"reason": "Seen."}
        return await self.post(who, f"/v1/directory-proposals/{proposal['id']}:{verb}", body, **options)

    async def enter(self, subject: str, role: str = "head_office", *, by: str = "ana", approved_by: str = "ben") -> None:
        answer = await self.decide(approved_by, await self.propose(by, subject, role))
        assert answer.is_success, answer.text

    async def branch(self, code: str = "north", parent: str | None = None) -> str:
        """An outlet; returns its id."""
        body = {"code": code, "name": code, "kind": "traditional", "parent_id": parent}
        return str((await self.post("ana", "/v1/outlets", body)).json()["id"])

    async def employ(self, *subjects: str, outlet: str, role: str = "relationship_manager") -> None:
        for subject in subjects:
            body = {"subject": subject, "name": subject, "role": role, "outlet_id": outlet}
            answer = await self.post("ana", "/v1/staff", body)
            assert answer.status_code == httpx.codes.CREATED, answer.text

    async def customer(self, outlet: str, rm: str | None = None) -> str:
        """A new customer's id; `rm` is the subject in whose book it begins."""
        reference = {"source": "core", "customer_number": uuid4().hex}
        body = {"reference": reference, "customer_type": "individual", "name": "王伟", "outlet_id": outlet}
        filed = await self.post(rm or "ana", "/v1/customers", body)
        assert filed.status_code == httpx.codes.CREATED, filed.text
        return str(filed.json()["id"])

    async def transfer(
        self, who: str, customer: str, verb: str, rm: str | None = None, at: datetime | None = None
    ) -> httpx.Response:
        """`:assign`, `:replaceTransfer` or `:cancelTransfer`."""
        body = {"rm_id": self.id(rm), "effective_at": at.isoformat() if at else None} if rm else None
        return await self.post(who, f"/v1/customers/{customer}:{verb}", body)

    async def book(self, customer: str) -> list[tuple[str | None, datetime, datetime | None]]:
        """The primary intervals of a customer: (staff id, from, to)."""
        rows = await self.fetch(
            "SELECT staff_id::text, valid_from, valid_to FROM book_assignment WHERE customer_id = $1 AND capacity = 'primary_rm'"
            " ORDER BY valid_from",
            customer,
        )
        return [tuple(row) for row in rows]

    async def told(self, noun: str) -> list[dict[str, Any]]:
        """The data of the events in the outbox whose type begins with the noun, in order."""
        rows = await self.fetch("SELECT topic, payload FROM outbox ORDER BY sequence")
        records = [record for row in rows for record in unpack(row["topic"], row["payload"])]
        return [
            json.loads(record.value or b"{}")
            for record in records
            if dict(record.headers)["ce_type"].decode().removeprefix("guanxi.").startswith(noun)
        ]

    async def role_of(self, subject: str) -> str | None:
        """The role that is in force, None for nobody or nobody active."""
        rows = await self.fetch("SELECT role FROM directory_staff WHERE subject = $1 AND active", subject)
        return str(rows[0]["role"]) if rows else None

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        async with self.database.transaction() as uow:
            rows: list[Any] = await uow.driver.fetch(query, *arguments)
            await uow.commit()
        return rows

    @staticmethod
    def id(subject: str) -> str:
        return str(directory.new_staff(LOCAL_ISSUER, subject, subject, "teller").id)


@pytest.fixture
async def office(postgres: Any, tmp_path: Path, one_key: Any) -> AsyncIterator[Office]:
    async with postgres.service_database("customer_svc") as url:
        clock = ManualClock(START)
        addresses: dict[str, Any] = {"database_url": url, "keys_database_url": url, "bus_database_url": url, "data_dir": tmp_path}
        settings = CustomerSettings(**addresses)
        database = Database(create_engine(url, pool_size=8))
        parts = CustomerParts(
            database=database,
            clock=clock,
            tokens=build_token_verifier(settings, clock),
            keys=one_key,
            erasures=FileErasureList(settings.erasure_file),
            indexes=main.build_indexes(settings),
            calendar=BusinessCalendar(zone=settings.business_zone),
            issuer=settings.issuer,
            register=Register(KINDS, BusinessCalendar(zone=settings.business_zone)),
        )
        app = main.build_app(settings, parts)
        app.state.edge.authenticator = Authenticator(parts, ttl=0)
        app.state.edge.limiter = RateLimiter(dict.fromkeys(RATES, "1000000/minute"))
        async with database.transaction() as uow:
            await directory.prepare_directory(uow, settings.issuer, FOUNDERS, clock.now())
            await standards.adopt_packages(uow, parts.calendar, clock.now())
            await uow.commit()
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://office.test") as http:
            yield Office(database, app, LocalIssuer(tmp_path / "issuer", clock), clock, http)
        await database.dispose()
