"""D18: a whole worker on a real database and the embedded log. Its parts are ended one after the other, and nothing else notices."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from guanxi_common import parts, process
from guanxi_common.clock import SystemClock
from guanxi_common.db.migrate import SchemaBehind
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.jobs import Job
from guanxi_common.messaging import outbox
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Subscription
from guanxi_common.process import Worker, Workload
from guanxi_common.settings import ServiceSettings
from guanxi_contracts.topics import topic_specs
from guanxi_testing.databases import TestServer
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import FACTS, OPENED, QUICK, TaskOpened

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FIRST_BACKOFF", 0.02)
    monkeypatch.setattr(parts, "LONGEST_BACKOFF", 0.5)
    monkeypatch.setattr(process, "SCHEMA_INTERVAL", 0.05)
    monkeypatch.setattr(process, "MAINTENANCE_INTERVAL", 0.2)


class EngagementSettings(ServiceSettings):
    service = "engagement-svc"


@dataclass
class Stand:
    """A worker whose consumer notes what it hears, whose one job counts its runs, and whose other job always fails."""

    database: Database
    settings: ServiceSettings
    needed_revision: str | None = None
    heard: set[str] = field(default_factory=set)
    runs: int = 0

    def worker(self) -> Worker:
        async def hear(_uow: UnitOfWork, events: Sequence[Envelope]) -> None:
            self.heard |= {event.key for event in events}

        async def count(_uow: UnitOfWork) -> int:
            self.runs += 1
            return 0

        async def fail(_uow: UnitOfWork) -> int:
            raise SystemExit(3)

        async def prepare() -> None:
            """The service's own step of the start."""

        return Worker(
            self.settings,
            self.database,
            SystemClock(),
            Workload(
                needed_revision=self.needed_revision,
                subscriptions=[Subscription(FACTS, {OPENED: hear})],
                jobs=[Job("count", 0.05, count), Job("fail", 0.05, fail)],
                steps={"prepare": prepare},
                reading=QUICK,
            ),
        )

    async def tell(self, key: str) -> None:
        async with self.database.transaction() as uow:
            await outbox.append(uow, TaskOpened(customer_id=key))
            await uow.commit()


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop.set()
        await task


@asynccontextmanager
async def open_stand(url: str, bus_url: str, folder: Path) -> AsyncIterator[Stand]:
    settings = EngagementSettings(
        database_url=url, keys_database_url=url, bus_database_url=bus_url, data_dir=folder, few_partitions=True
    )
    database = Database(create_engine(url))
    try:
        yield Stand(database, settings)
    finally:
        await database.dispose()


@pytest.fixture
async def stand(postgres: TestServer, tmp_path: Path) -> AsyncIterator[Stand]:
    async with (
        postgres.service_database("engagement_svc") as url,
        postgres.database() as bus_url,
        open_stand(url, bus_url, tmp_path) as stand,
    ):
        yield stand


async def becomes(condition: Callable[[], bool]) -> None:
    async def probe() -> bool:
        return condition()

    await eventually(probe, timeout=30)


def states(worker: Worker) -> dict[str, str]:
    return {part.name: part.report().state for part in worker.parts}


def end(name: str) -> None:
    """End a part's work as a library does that cancels it from within."""
    for task in asyncio.all_tasks():
        coroutine = task.get_coro()
        if task.get_name() == name and coroutine is not None and coroutine.__name__ == "_contained":
            task.cancel()


async def test_d18_each_part_may_end_and_the_others_do_not_notice(stand: Stand) -> None:
    worker = stand.worker()
    async with running(worker):
        await stand.tell("first")
        await becomes(lambda: "first" in stand.heard)
        names = [name for name, state in states(worker).items() if state == "running"]
        assert {"schema", "relay", "listener", "sealer", "consumer", "log-maintenance", "job:count"} <= set(names)
        begun = {part.name: part.report() for part in worker.parts}
        for name in names:
            end(name)
            [part] = [part for part in worker.parts if part.name == name]
            await becomes(lambda part=part: part.report().last_error is not None)  # type: ignore[misc]  # bound now
            await becomes(lambda part=part: part.report().state in {"running", "trying_again"})  # type: ignore[misc]  # bound now
            await stand.tell(f"after {name}")
            runs = stand.runs
            await becomes(lambda name=name, runs=runs: f"after {name}" in stand.heard and stand.runs > runs)  # type: ignore[misc]
        assert begun["prepare"].state == worker_part(worker, "prepare").report().state == "done"
        failing = worker_part(worker, "job:fail").report()
        assert (failing.last_error, failing.failures > 1) == ("SystemExit", True)
    assert set(states(worker).values()) == {"stopped", "done"}


def worker_part(worker: Worker, name: str) -> parts.Part:
    return next(part for part in worker.parts if part.name == name)


async def test_d18_every_connection_may_be_cut(stand: Stand, postgres: TestServer) -> None:
    worker = stand.worker()
    async with running(worker):
        await stand.tell("first")
        await becomes(lambda: "first" in stand.heard)
        admin = await asyncpg.connect(postgres.admin_url)
        names = [urlsplit(url).path[1:] for url in (stand.settings.database_url, stand.settings.bus_database_url) if url]
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY($1::text[])", names)
        await admin.close()

        async def told() -> bool:
            try:
                await stand.tell("second")
            except Exception:  # this test's own connections were cut too
                return False
            return True

        await eventually(told, timeout=30)
        await becomes(lambda: "second" in stand.heard)
        runs = stand.runs
        await becomes(lambda: stand.runs > runs)


async def test_d18_a_log_that_is_away_is_waited_for_and_jobs_run_meanwhile(postgres: TestServer, tmp_path: Path) -> None:
    async with postgres.service_database("engagement_svc") as url, postgres.database() as bus_url:
        absent = f"{bus_url}_absent"
        name = absent.rpartition("/")[2]
        async with open_stand(url, absent, tmp_path) as stand:
            worker = stand.worker()
            async with running(worker):
                await stand.tell("kept")
                await becomes(lambda: worker_part(worker, "bus").failures >= 2 and stand.runs > 1)
                assert states(worker)["relay"] == states(worker)["consumer"] == "waiting"
                assert states(worker)["sealer"] == "running"
                admin = await asyncpg.connect(postgres.admin_url)
                await admin.execute(f'CREATE DATABASE "{name}" OWNER guanxi')
                await becomes(lambda: "kept" in stand.heard)
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.close()


async def test_d18_a_topic_that_cannot_be_made_delays_nobody_but_those_who_need_it(stand: Stand) -> None:
    """`engagement.plans` stands there with another number of partitions; this worker writes it, and its consumer does not read it."""
    [wrong] = [spec for spec in topic_specs(test=False) if spec.name == "engagement.plans"]
    others = [spec for spec in topic_specs(test=True) if spec.name != "engagement.plans"]
    bus = await EmbeddedBus.open(stand.settings.bus_database_url or "")
    await bus.ensure_topics([wrong, *others])
    await bus.close()
    worker = stand.worker()
    async with running(worker):
        await stand.tell("first")
        await becomes(lambda: "first" in stand.heard)
        assert "engagement.plans" in (worker_part(worker, "bus").report().last_error or "")


async def test_a_worker_ends_on_a_schema_that_it_does_not_know_also_later(stand: Stand) -> None:
    stand.needed_revision = "20200101_0000"  # a later one is expected to be fine: migrations only expand
    worker = stand.worker()
    task = asyncio.create_task(worker.run())
    await becomes(lambda: stand.runs > 0)
    async with stand.database.transaction() as uow:
        await uow.driver.execute("UPDATE alembic_version SET version_num = '20191231_2359'")
        await uow.commit()
    with pytest.raises(SchemaBehind, match="at revision 20191231_2359, this code needs 20200101_0000"):
        async with asyncio.timeout(30):
            await task
