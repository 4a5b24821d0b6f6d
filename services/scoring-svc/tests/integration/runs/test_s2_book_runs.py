"""S1, S2: a book run is done once, whole or not at all, can be watched and cancelled, and one that cannot be done holds up nobody."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from guanxi_common.errors import Conflict
from guanxi_common.ids import new_id
from scoring_svc.runs import exchange, publishing, repository, service
from scoring_svc.runs.repository import ScoreRun

from .conftest import METHOD, NOW, Desk, fill

pytestmark = pytest.mark.anyio

EVERYTHING = "SELECT * FROM score ORDER BY customer_id"
TOLD = "SELECT sum(event_count)::int FROM outbox WHERE topic = 'scoring.scores'"


@pytest.fixture
async def book(desk: Desk) -> Desk:
    """A book whose scores were told of; the first run has something to change."""
    await fill(desk, 7, 120)
    await desk.score()
    await desk.execute("TRUNCATE outbox")
    return desk


async def counts(desk: Desk) -> tuple[Any, ...]:
    return (await desk.fetch("SELECT (SELECT count(*) FROM lifetime_model), (SELECT count(*) FROM rfm_band_set)"))[0]


async def test_s2_a_run_freezes_the_bands_and_says_what_became_of_the_model(book: Desk) -> None:
    done = await book.run()
    assert done.state == "succeeded"
    assert done.result is not None
    assert done.result["customers"] == (await book.fetch("SELECT count(*) FROM score"))[0][0]
    assert "CNY" in done.result["rfm_currencies"]
    assert not await book.step()


async def test_s2_two_workers_do_a_run_once(book: Desk) -> None:
    run = await book.request()
    while (await book.state(run)).state in ("queued", "running"):
        await asyncio.gather(book.step(), book.step(), book.step())
    assert (await book.state(run)).state == "succeeded"
    models, bands = await counts(book)
    assert (models, bands) == (1, len((await book.state(run)).result["rfm_currencies"]))  # type: ignore[index]  # it has succeeded


@pytest.mark.parametrize("stage", ["queued", "scoring", "publishing"])
async def test_s2_a_worker_that_ends_in_the_middle_leaves_the_step_to_the_next(book: Desk, stage: str) -> None:
    await book.execute("UPDATE score SET band = 'high' WHERE detail IS NULL")
    run = await book.request()
    while stage != "queued" and (await book.state(run)).stage != stage:
        await book.step()

    async def left() -> tuple[object, ...]:
        """All but the progress, which is written while the step is done."""
        found = replace(await book.state(run), rows_done=None, rows_total=None)
        return found, await book.fetch(EVERYTHING), await counts(book), await book.fetch(TOLD)

    before = await left()
    async with book.database.transaction() as uow:
        assert await service.work_on_run(uow, book.database, METHOD, NOW)
    assert await left() == before
    while await book.step():
        pass
    assert (await book.state(run)).state == "succeeded"


async def test_s2_a_worker_killed_while_it_copies_leaves_nothing(book: Desk) -> None:
    """A process of its own, ended by SIGKILL once the new table is being filled: the server rolls back what it had begun."""
    run = await book.request()
    await book.steps_to("scoring")
    before = await book.fetch(EVERYTHING)
    program = (
        "import asyncio, sys\n"
        "from datetime import datetime\n"
        "from guanxi_common.calendar import BusinessCalendar\n"
        "from guanxi_common.db.uow import Database, create_engine\n"
        "from scoring_svc.shipped import load_method\n"
        "from scoring_svc.runs import exchange, service\n"
        "async def stuck(uow):\n"
        "    print(await uow.driver.fetchval('SELECT count(*) FROM score_next'), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "async def main():\n"
        "    exchange.take_alone = stuck\n"
        "    database = Database(create_engine(sys.argv[1]))\n"
        "    async with database.transaction() as uow:\n"
        "        method = load_method(BusinessCalendar(zone='Asia/Shanghai'))\n"
        "        await service.work_on_run(uow, database, method, datetime.fromisoformat(sys.argv[2]))\n"
        "asyncio.run(main())\n"
    )
    url = book.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, NOW.isoformat(), stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert int(await worker.stdout.readline()) == len(before)
    assert not await book.step(), "the run is taken"
    worker.kill()
    await worker.wait()
    while (await book.state(run)).state == "running":
        await book.step()
    assert (await book.state(run)).state == "succeeded"
    assert await book.fetch("SELECT to_regclass('score_next')") == [(None,)]
    assert await counts(book) == (1, len((await book.state(run)).result["rfm_currencies"]))  # type: ignore[index]  # it has succeeded


async def test_s2_a_run_that_cannot_be_done_fails_leaves_nothing_and_holds_up_nobody(
    book: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await book.fetch(EVERYTHING)
    with monkeypatch.context() as broken:
        broken.setattr(service.books, "bounds", lambda *_: {"CNY": "no bounds"})
        failed = await book.run()
    assert (failed.state, failed.result) == ("failed", {"error": "AttributeError"})
    assert await counts(book) == (0, 0)
    assert await book.fetch(EVERYTHING) == before
    assert (await book.run()).state == "succeeded"


@pytest.mark.parametrize("stage", ["queued", "refreshing", "scoring"])
async def test_s2_a_cancelled_run_leaves_the_book_as_it_was(book: Desk, stage: str) -> None:
    if stage == "refreshing":
        await book.execute("UPDATE score SET as_of = as_of - 1")
    run = await book.request()
    while stage != "queued" and (await book.state(run)).stage != stage:
        await book.step()
    before = await book.fetch(EVERYTHING)
    cancelled = await book.do(lambda uow: service.cancel_run(uow, run.id, NOW))
    assert (cancelled.state, cancelled.finished_at) == ("cancelled", NOW)
    assert not await book.step()
    assert await book.fetch(EVERYTHING) == before
    assert await counts(book) == (0, 0)
    with pytest.raises(Conflict):
        await book.do(lambda uow: service.cancel_run(uow, run.id, NOW))


@pytest.mark.parametrize("when", ["read_book", "take_alone"])
async def test_s2_a_run_is_cancelled_in_the_middle_of_its_scoring(book: Desk, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    run = await book.request()
    await book.steps_to("scoring")
    before, step = await book.fetch(EVERYTHING), getattr(exchange, when)

    async def cancelled_after(uow: Any) -> Any:
        found = await step(uow)
        await book.do(lambda other: service.cancel_run(other, run.id, NOW))
        return found

    monkeypatch.setattr(service, "BLOCK", 16)
    monkeypatch.setattr(exchange, when, cancelled_after)
    await book.step()
    assert (await book.state(run)).state == "cancelled"
    assert await book.fetch(EVERYTHING) == before
    assert await counts(book) == (0, 0)
    assert await book.fetch("SELECT to_regclass('score_next')") == [(None,)]


async def test_s2_the_progress_is_to_be_seen_while_the_book_is_scored(book: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await book.request()
    await book.steps_to("scoring")
    total = (await book.fetch("SELECT count(*) FROM score"))[0][0]
    seen: list[ScoreRun] = []
    alone = exchange.take_alone

    async def look_first(uow: Any) -> None:
        seen.append(await book.state(run))
        await alone(uow)

    monkeypatch.setattr(service, "BLOCK", 16)
    monkeypatch.setattr(exchange, "take_alone", look_first)
    await book.step()
    assert [(one.state, one.stage, one.rows_total) for one in seen] == [("running", "scoring", total)]
    assert 0 < (seen[0].rows_done or 0) <= total


async def test_s2_a_reader_that_stays_delays_the_exchange_and_is_not_hurt(book: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is asked for a moment at a time; a reader that is in the middle of a transaction goes on reading the old book."""
    monkeypatch.setattr(exchange, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(exchange, "ATTEMPTS", 2)
    run = await book.request()
    await book.steps_to("scoring")
    async with book.database.transaction(readonly=True) as reader:
        before = await reader.driver.fetchval("SELECT count(*) FROM score")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await book.step()
        assert await reader.driver.fetchval("SELECT count(*) FROM score") == before
    assert (await book.state(run)).stage == "scoring"
    while await book.step():
        pass
    assert (await book.state(run)).state == "succeeded"


async def test_s2_what_changed_is_told_once_whoever_tells_it(book: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run tells of its changes in batches; of a customer who is scored in between, the scorer tells, from what was told last."""
    monkeypatch.setattr(publishing, "BATCH", 5)
    told = {row[0]: row[1:] for row in await book.fetch("SELECT customer_id, band, main_reason FROM score")}
    # A model that says of many that they are gone: their main reason, and with it what is told, changes.
    await book.execute("UPDATE score SET band = 'high', main_reason = 'silence' WHERE detail IS NULL")
    run = await book.request()
    await book.steps_to("publishing")
    waiting = {row[0]: row[1:] for row in await book.fetch("SELECT customer_id, band, main_reason FROM score_news")}
    assert len(waiting) > 20
    assert set(waiting.values()) == {("high", "silence")}
    with pytest.raises(Conflict):
        await book.do(lambda uow: service.cancel_run(uow, run.id, NOW))
    await book.step()
    assert len(await book.fetch("SELECT FROM score_news")) == len(waiting) - 5
    await book.execute("DELETE FROM dirty_customer")
    left = [row[0] for row in await book.fetch("SELECT customer_id FROM score_news ORDER BY 1 LIMIT 3")]
    await book.execute(
        "INSERT INTO dirty_customer SELECT told, $2, $3, NULL, false FROM unnest($1::uuid[]) AS told", left, NOW, NOW.date()
    )
    await book.score(NOW + timedelta(minutes=1))
    while await book.step():
        pass
    done = await book.state(run)
    assert done.state == "succeeded"
    assert (await book.fetch(TOLD))[0][0] == len(waiting)
    assert {row[0] for row in await book.fetch("SELECT DISTINCT customer_id FROM action_due")} >= waiting.keys()
    assert {row[0]: row[1:] for row in await book.fetch("SELECT customer_id, band, main_reason FROM score")} == told


async def test_s2_a_run_waits_while_the_relay_is_behind(book: Desk) -> None:
    await book.execute("UPDATE score SET band = 'high', main_reason = 'silence' WHERE detail IS NULL")
    run = await book.request()
    await book.steps_to("publishing")
    await book.execute(
        "INSERT INTO outbox (shard, topic, key, payload, event_count, created_at)"
        " VALUES (0, 'scoring.scores', $1, '', 1, now() - $2::interval)",
        str(new_id()),
        2 * publishing.LATEST,
    )
    assert not await book.step()
    assert (await book.state(run)).stage == repository.PUBLISHING
    await book.execute("TRUNCATE outbox")
    while await book.step():
        pass
    assert (await book.state(run)).state == "succeeded"
