"""S1, S7: a posting dated ahead counts from its own business date, whatever is posted meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, create_engine
from guanxi_testing.eventually import eventually
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.ledger.repository import Entry, Reversal, fold_entries, fold_reversals
from scoring_svc.queues import rescoring
from scoring_svc.scorer.service import queue_due_postings, score_dirty_customers
from scoring_svc.shipped import load_method

pytestmark = pytest.mark.anyio

METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
CLASS = min(METHOD[ActivityClasses].customer_initiated)


@pytest.fixture
async def database(postgres: Any) -> AsyncIterator[Database]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=3))
        yield database
        await database.dispose()


def _entry(customer: UUID, day: date, amount_minor: int = -1_000) -> Entry:
    return Entry(customer, uuid4(), uuid4(), day, amount_minor, "CNY", CLASS, "withdrawal")


async def _fold(database: Database, *entries: Entry) -> None:
    async with database.transaction() as uow:
        await fold_entries(uow, entries, NOW, NOW.date())
        await uow.commit()


async def _score(database: Database, now: datetime) -> int:
    """As the worker's jobs do: what is due is queued, then the queue is emptied; returns how many were due."""
    async with database.transaction() as uow:
        due = await queue_due_postings(uow, METHOD, now)
        await score_dirty_customers(uow, METHOD, now)
        await uow.commit()
    return due


async def _scored(database: Database) -> dict[UUID, date]:
    async with database.transaction() as uow:
        return {row[0]: row[1] for row in await uow.driver.fetch("SELECT customer_id, as_of FROM score")}


async def test_s1_a_customer_known_only_by_a_posting_dated_ahead_is_scored_on_its_date(database: Database) -> None:
    customer = uuid4()
    await _fold(database, _entry(customer, TODAY + timedelta(days=2)))
    assert await _score(database, NOW) == 0
    assert await _score(database, NOW + timedelta(days=1)) == 0
    assert await _scored(database) == {}
    assert await _score(database, NOW + timedelta(days=2)) == 1
    assert await _scored(database) == {customer: TODAY + timedelta(days=2)}
    assert await _score(database, NOW + timedelta(days=2)) == 0


async def test_s1_postings_on_several_dates_ahead_are_looked_at_on_each(database: Database) -> None:
    customer = uuid4()
    await _fold(database, _entry(customer, TODAY + timedelta(days=5)))
    assert await _score(database, NOW) == 0
    await _fold(database, _entry(customer, TODAY + timedelta(days=2)))
    assert await _score(database, NOW) == 0
    assert [await _score(database, NOW + timedelta(days=n)) for n in (1, 2, 3, 4, 5, 6)] == [0, 1, 0, 0, 1, 0]


async def test_s7_an_outflow_dated_ahead_is_signalled_though_the_worker_was_down_on_its_date(database: Database) -> None:
    customer = uuid4()
    usual = [_entry(customer, TODAY - timedelta(days=10 * n), -500_000 - n) for n in range(1, 20)]
    await _fold(database, *usual, _entry(customer, TODAY + timedelta(days=1), -90_000_000))
    await _score(database, NOW)
    assert await _score(database, NOW + timedelta(days=3)) == 1
    async with database.transaction() as uow:
        raised = await uow.driver.fetch("SELECT business_date FROM signal WHERE kind = 'large_outflow'")
    assert [row[0] for row in raised] == [TODAY + timedelta(days=1)]


async def test_s1_a_posting_dated_ahead_and_reversed_before_its_date_counts_never(database: Database) -> None:
    customer = uuid4()
    ahead = _entry(customer, TODAY + timedelta(days=2))
    await _fold(database, ahead)
    await _score(database, NOW)
    async with database.transaction() as uow:
        await fold_reversals(uow, [Reversal(customer, ahead.entry_id, uuid4())], NOW)
        await uow.commit()
    await _score(database, NOW)
    await _score(database, NOW + timedelta(days=2))
    assert await _scored(database) == {}


async def test_s1_the_scorer_and_the_job_of_due_postings_do_not_wait_for_each_other(database: Database) -> None:
    customer, due = uuid4(), NOW + timedelta(days=2)
    await _fold(database, _entry(customer, TODAY + timedelta(days=2)))
    await _score(database, NOW)
    await _fold(database, _entry(customer, TODAY + timedelta(days=1)))

    async def queue_due() -> int:
        async with database.transaction() as uow:
            queued = await queue_due_postings(uow, METHOD, due)
            await uow.commit()
        return queued

    async def job_waits() -> bool:
        async with database.transaction() as uow:
            return bool(await uow.driver.fetchval("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1"))

    async with database.transaction() as scorer, asyncio.TaskGroup() as group:
        taken = await rescoring.take_dirty(scorer, 1, NOW)
        job = group.create_task(queue_due())
        await eventually(job_waits)
        await rescoring.note_postings_ahead(scorer, [customer], TODAY)
        await scorer.commit()
    assert [dirty.customer_id for dirty in taken] == [customer]
    assert job.result() == 1
    assert await _score(database, due) == 0
    assert await _scored(database) == {customer: TODAY + timedelta(days=2)}
