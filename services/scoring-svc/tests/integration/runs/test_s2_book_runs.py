"""S1, S2: a book run is done once, whole or not at all, and one that cannot be done holds up nobody."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, create_engine
from scoring_svc.ledger.repository import Entry, fold_entries
from scoring_svc.parts import load_method
from scoring_svc.runs import repository, service
from scoring_svc.runs.repository import ScoreRun

pytestmark = pytest.mark.anyio

METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
CLASS = min(METHOD.classes.customer_initiated)


@pytest.fixture
async def database(postgres: Any) -> AsyncIterator[Database]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=3))
        async with database.transaction() as uow:
            entries = [
                Entry(customer, uuid4(), uuid4(), TODAY - timedelta(days=day), -1_000 - day, "CNY", CLASS, "withdrawal")
                for customer in (uuid4() for _ in range(30))
                for day in (200, 90, 30, 3)
            ]
            await fold_entries(uow, entries, NOW)
            await uow.commit()
        yield database
        await database.dispose()


async def request(database: Database) -> ScoreRun:
    async with database.transaction() as uow:
        run = await service.request_run(uow, METHOD, None, "staff:1", NOW)
        await uow.commit()
    return run


async def work(database: Database) -> bool:
    async with database.transaction() as uow:
        done = await service.do_next_run(uow, METHOD, NOW)
        await uow.commit()
    return done


async def state(database: Database, run: ScoreRun) -> ScoreRun:
    async with database.transaction(readonly=True) as uow:
        found = await repository.read_run(uow, run.id)
    assert found is not None
    return found


async def counts(database: Database) -> tuple[int, int]:
    async with database.transaction(readonly=True) as uow:
        row = await uow.driver.fetchrow("SELECT (SELECT count(*) FROM lifetime_model), (SELECT count(*) FROM rfm_band_set)")
    return row[0], row[1]


async def test_s2_a_run_freezes_the_bands_and_says_what_became_of_the_model(database: Database) -> None:
    run = await request(database)
    assert await work(database)
    done = await state(database, run)
    assert done.state == "succeeded"
    assert done.result is not None
    assert (done.result["customers"], done.result["rfm_currencies"]) == (30, ["CNY"])
    assert not await work(database)


async def test_s2_two_workers_do_a_run_once(database: Database) -> None:
    await request(database)
    assert sorted(await asyncio.gather(work(database), work(database))) == [False, True]
    assert await counts(database) == (1, 1)


async def test_s2_a_worker_that_ends_in_the_middle_leaves_the_run_to_the_next(database: Database) -> None:
    run = await request(database)
    async with database.transaction() as uow:
        assert await service.do_next_run(uow, METHOD, NOW)
    assert (await state(database, run)).state == "queued"
    assert await counts(database) == (0, 0)
    assert await work(database)
    assert (await state(database, run)).state == "succeeded"


async def test_s2_a_run_that_cannot_be_done_fails_leaves_nothing_and_holds_up_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await request(database)
    with monkeypatch.context() as broken:
        broken.setattr(service, "_bounds", lambda *_: {"CNY": "no bounds"})
        assert await work(database)
    failed = await state(database, run)
    assert (failed.state, failed.result) == ("failed", {"error": "AttributeError"})
    assert await counts(database) == (0, 0)
    following = await request(database)
    assert await work(database)
    assert (await state(database, following)).state == "succeeded"
