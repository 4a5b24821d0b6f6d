"""The test stand: a durable PostgreSQL, the services' databases, and their applications in this process."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from customer_svc import main as customer_main
from customer_svc.directory import service as directory
from customer_svc.directory.policy import Change
from customer_svc.directory.schemas import OutletRegistration
from engagement_svc import main as engagement_main
from fastapi import FastAPI
from guanxi_common.clock import SystemClock
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_common.db.migrate import migrate
from guanxi_common.http.rates import RateLimiter
from guanxi_common.http.settings import RATES
from guanxi_common.security.issuer import LOCAL_ISSUER, LocalIssuer
from guanxi_common.work import Work

SERVICES = ("customer", "engagement", "scoring")


@dataclass
class Stand:
    """`rm`, `deep` (RMs) and `outlet` are in every service's directory; tokens by subject."""

    server: EmbeddedPostgres
    issuer: LocalIssuer
    customer: FastAPI
    engagement: FastAPI
    rm: UUID
    deep: UUID
    outlet: UUID

    def url(self, name: str) -> str:
        return self.server.url(f"guanxi_{name}")

    def headers(self, subject: str, kind: Any = "staff") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.issue(subject, kind=kind)}", "Content-Type": "application/json"}


@asynccontextmanager
async def stand(folder: Path) -> AsyncIterator[Stand]:
    with EmbeddedPostgres(folder / "postgres") as server:
        for name in (*SERVICES, "keys", "bus", "peer"):
            server.create_database(f"guanxi_{name}")
        for name in SERVICES:
            await migrate(server.url(f"guanxi_{name}"), f"{name}_svc")
        os.environ.update(
            GUANXI_HOME=str(folder),
            KEYS_DATABASE_URL=server.url("guanxi_keys"),
            BUS_DATABASE_URL=server.url("guanxi_bus"),
            GUANXI_LOG_LEVEL="error",
        )
        apps = {}
        for name, module in (("customer", customer_main), ("engagement", engagement_main)):
            os.environ["DATABASE_URL"] = server.url(f"guanxi_{name}")
            apps[name] = _unthrottled(module.create_app())
        async with apps["customer"].router.lifespan_context(apps["customer"]):
            staff = await _enter_staff(apps["customer"])
            await _copy_directory(server, "engagement")
            yield Stand(server, LocalIssuer(folder / "issuer", SystemClock()), apps["customer"], apps["engagement"], *staff)
            await apps["engagement"].state.edge.parts.close()


@asynccontextmanager
async def another_engagement(stand: Stand, name: str) -> AsyncIterator[FastAPI]:
    """engagement-svc on a second database, `guanxi_<name>`, with the same directory."""
    stand.server.create_database(f"guanxi_{name}")
    await migrate(stand.url(name), "engagement_svc")
    await _copy_directory(stand.server, name)
    os.environ["DATABASE_URL"] = stand.url(name)
    app = _unthrottled(engagement_main.create_app())
    yield app
    await app.state.edge.parts.close()


def _unthrottled(app: FastAPI) -> FastAPI:
    """One caller does in a minute what a thousand do: its requests are counted as ever, against a limit that is not reached."""
    app.state.edge.limiter = RateLimiter(dict.fromkeys(RATES, "10000000/minute"))
    return app


async def _enter_staff(app: FastAPI) -> tuple[UUID, UUID, UUID]:
    async with app.state.edge.parts.database.transaction() as uow:
        await directory.publish_roles(uow)
        work = Work.of_system(uow, "stand", SystemClock().now(), app.state.edge.parts.calendar)
        outlet = await directory.register_outlet(work, OutletRegistration(code="B1", name="网点", kind="traditional"))
        founded = Change(None, "founded", work.now)
        rms = [directory.new_staff(LOCAL_ISSUER, name, name, "relationship_manager", outlet.id) for name in ("rm", "deep")]
        core = directory.new_client(LOCAL_ISSUER, "core", "core", "core_banking", ["core"])
        for entry in (*rms, core):
            await directory.store(uow, entry, founded)
        await uow.commit()
    return rms[0].id, rms[1].id, outlet.id


async def _copy_directory(server: EmbeddedPostgres, name: str) -> None:
    """What the directory's snapshots would bring to engagement-svc."""
    source = await asyncpg.connect(server.url("guanxi_customer"))
    target = await asyncpg.connect(server.url(f"guanxi_{name}"))
    try:
        for table in ("directory_outlet", "directory_staff", "directory_client", "directory_role"):
            rows = await source.fetch(f"SELECT * FROM {table}")  # noqa: S608  # constant names
            await target.copy_records_to_table(table, records=[tuple(row) for row in rows], columns=list(rows[0].keys()))
    finally:
        await source.close()
        await target.close()
