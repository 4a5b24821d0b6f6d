"""D18: in every queue of scoring-svc one poisoned item fails alone, is listed, and is done once it is mended and retried."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.operations.worker import do_next_step
from guanxi_common.set_aside.repository import FailedItem, list_items, retry
from guanxi_testing.poison import mend, poison
from scoring_svc.actions import planner
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.ledger.repository import Entry, fold_entries
from scoring_svc.queues import planning
from scoring_svc.runs import repository as run_store
from scoring_svc.runs import service as runs
from scoring_svc.scorer import checks
from scoring_svc.scorer.service import score_dirty_customers
from scoring_svc.shipped import load_method
from scoring_svc.trainings.drift import measure_drift
from scoring_svc.trainings.jobs import training_kind

pytestmark = pytest.mark.anyio

METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
CLASS = min(METHOD[ActivityClasses].customer_initiated)
Job = Callable[[UnitOfWork, datetime], Awaitable[object]]


@dataclass
class Bench:
    database: Database
    now: datetime = NOW

    async def do(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        async with self.database.transaction() as uow:
            found = await work(uow)
            await uow.commit()
        return found

    async def run(self, job: Job) -> Any:
        return await self.do(lambda uow: job(uow, self.now))

    async def drain(self, job: Job) -> None:
        while await self.run(job):
            pass

    async def post(self, *customers: UUID, day: date = TODAY) -> None:
        entries = [
            Entry(one, uuid4(), uuid4(), day - timedelta(days=ago), -1_000, "CNY", CLASS, "card")
            for one in customers
            for ago in (0, 7, 30)
        ]
        await self.do(lambda uow: fold_entries(uow, entries, self.now, day))

    async def column(self, query: str, *arguments: object) -> list[Any]:
        return [row[0] for row in await self.do(lambda uow: uow.driver.fetch(query, *arguments))]

    async def set_aside(self, job: Job) -> FailedItem:
        """Run the job until the one item that fails is set aside."""
        while True:
            await self.drain(job)
            [failed] = await self.do(lambda uow: list_items(uow, set_aside_only=False, queue=None, position=None, limit=9))
            if failed.retry_at is None:
                return failed
            self.now = failed.retry_at

    async def mend_and_retry(self, job: Job, failed: FailedItem) -> None:
        async def mended(uow: UnitOfWork) -> None:
            await mend(uow)
            await retry(uow, failed.id, self.now)

        await self.do(mended)
        await self.drain(job)
        assert await self.column("SELECT item FROM set_aside_item") == []


async def score(uow: UnitOfWork, now: datetime) -> int:
    return await score_dirty_customers(uow, METHOD, now)


async def plan(uow: UnitOfWork, now: datetime) -> int:
    return await planner.plan_due_customers(uow, METHOD, now)


@pytest.fixture
async def bench(postgres: Any) -> AsyncIterator[Bench]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=4))
        yield Bench(database)
        await database.dispose()


def _customers(count: int) -> list[UUID]:
    return sorted(uuid4() for _ in range(count))


async def test_d18_a_customer_who_cannot_be_scored_stops_nobody_and_is_scored_once_mended(bench: Bench) -> None:
    customers = _customers(30)
    await bench.post(*customers)
    await bench.do(lambda uow: poison(uow, "score", "customer_id", customers[3]))
    failed = await bench.set_aside(score)
    assert (failed.queue, failed.item, failed.attempts, failed.reason) == ("score", str(customers[3]), 3, "sqlstate_22003")
    assert await bench.column("SELECT customer_id FROM score ORDER BY 1") == [one for one in customers if one != customers[3]]
    assert await bench.column("SELECT customer_id FROM dirty_customer") == [customers[3]]
    await bench.post(customers[3])
    assert await bench.run(score) == 0, "a new posting does not bring it back"
    await bench.mend_and_retry(score, failed)
    assert await bench.column("SELECT customer_id FROM score ORDER BY 1") == customers
    assert await bench.column("SELECT customer_id FROM dirty_customer") == []


async def test_d18_a_customer_who_cannot_be_planned_for_stops_nobody(bench: Bench) -> None:
    customers = _customers(10)
    await bench.post(*customers)
    await bench.drain(score)
    await bench.do(lambda uow: poison(uow, "action_plan", "first_planned_on IS NOT NULL AND NEW.customer_id", customers[0]))
    failed = await bench.set_aside(plan)
    assert (failed.queue, failed.item) == ("plan", str(customers[0]))
    planned = "SELECT customer_id FROM action_plan WHERE first_planned_on IS NOT NULL ORDER BY 1"
    assert await bench.column(planned) == customers[1:]
    await bench.do(lambda uow: planning.mark(uow, customers[:1], bench.now))
    await bench.mend_and_retry(plan, failed)
    assert await bench.column(planned) == customers


async def test_d18_a_book_run_passes_over_who_cannot_be_scored_or_told_of(bench: Bench) -> None:
    """One fails in the refreshing, one holds a score that cannot be read when it is to be told; the run succeeds for all others."""
    customers = _customers(12)
    await bench.post(*customers)
    await bench.drain(score)
    unscored, untold = customers[4], customers[7]
    before = await bench.column("SELECT as_of FROM score WHERE customer_id = $1", unscored)
    bench.now += timedelta(days=40)
    await bench.do(lambda uow: poison(uow, "score", "customer_id", unscored))
    run = await bench.do(lambda uow: runs.request_run(uow, METHOD, None, "staff:1", bench.now))

    async def step(uow: UnitOfWork, now: datetime) -> bool:
        return await runs.work_on_run(uow, bench.database, METHOD, now)

    while (await bench.do(lambda uow: run_store.read_run(uow, run.id))).stage != run_store.PUBLISHING:
        assert await bench.run(step)
    await bench.do(lambda uow: uow.driver.execute("UPDATE score SET model_version = 'x+y+z' WHERE customer_id = $1", untold))
    await bench.do(
        lambda uow: uow.driver.execute(
            "INSERT INTO score_news (customer_id, band, main_reason) VALUES ($1, 'none', NULL) ON CONFLICT DO NOTHING", untold
        )
    )
    await bench.drain(step)
    ended = await bench.do(lambda uow: run_store.read_run(uow, run.id))
    assert (ended.state, ended.result["passed_over"]) == ("succeeded", 1)
    assert await bench.column("SELECT as_of FROM score WHERE customer_id = $1", unscored) == before
    fresh = await bench.column("SELECT customer_id FROM score WHERE as_of = $1 ORDER BY 1", TODAY + timedelta(days=40))
    assert fresh == [one for one in customers if one != unscored]
    assert await bench.column("SELECT customer_id FROM score_news") == [untold]
    await bench.drain(score)
    assert await bench.column("SELECT customer_id FROM score_news") == [], "the scorer tells of it"
    bench.now += timedelta(seconds=31)
    await bench.drain(score)  # the exchanged table is not poisoned
    assert await bench.column("SELECT item FROM set_aside_item") == []
    assert await bench.column("SELECT as_of FROM score WHERE customer_id = $1", unscored) != before


async def test_d18_a_training_and_a_version_that_fail_do_not_stop_the_others(bench: Bench) -> None:
    async def train(uow: UnitOfWork, now: datetime) -> bool:
        return await do_next_step(uow, bench.database, training_kind(lambda _: METHOD), now)

    async def drift(uow: UnitOfWork, now: datetime) -> int:
        return await measure_drift(uow, METHOD, now)

    request = '{"kind": "logistic", "label": "leaves", "train_cuts": ["2026-01-31", "2026-02-10"], "test_cut": null, "horizon_days": 90}'
    bad, good = uuid4(), uuid4()
    for training, asked, minutes in ((bad, '{"kind": "none"}', 0), (good, request, 1)):
        await bench.do(
            lambda uow, training=training, asked=asked, minutes=minutes: uow.driver.execute(
                "WITH operation AS (INSERT INTO operation (id, kind, state, parameters, requested_by, requested_at, moved_at)"
                " VALUES ($1, 'model-training', 'queued', '{}', 'staff:1', $3, $3))"
                " INSERT INTO model_training (id, name, request, state, requested_by, requested_at)"
                " VALUES ($1, 'retention', $2, 'queued', 'staff:1', $3)",
                training,
                asked,
                NOW + timedelta(minutes=minutes),
            )
        )
    await bench.drain(train)
    assert await bench.column("SELECT id FROM operation WHERE state = 'failed' AND failure_code = 'training_refused'") == [good]
    for _ in range(2):
        bench.now += timedelta(minutes=5)
        await bench.drain(train)
    assert await bench.column("SELECT id FROM operation WHERE state = 'failed' AND failure_code = 'step_failed'") == [bad]
    assert await bench.run(drift) == 0


async def test_d18_a_stored_score_that_cannot_be_computed_again_is_a_finding_and_the_check_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers = _customers(5)
    await bench.post(*customers)
    await bench.drain(score)
    reproduced = checks.is_reproduced

    async def with_one_that_fails(uow: UnitOfWork, method: Any, stored: Any) -> bool:
        if stored.customer_id == customers[2]:
            await uow.driver.execute("SELECT 9223372036854775807 + 1")
        return await reproduced(uow, method, stored)

    monkeypatch.setattr(checks, "is_reproduced", with_one_that_fails)
    assert await bench.run(lambda uow, now: checks.check_scores(uow, METHOD, now)) == 5
    assert await bench.column("SELECT mismatches FROM score_check") == [1]
    assert await bench.column("SELECT differing ->> 0 FROM score_check") == [str(customers[2])]
