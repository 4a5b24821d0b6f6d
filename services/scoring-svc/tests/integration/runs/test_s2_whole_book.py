"""S1, S2, S3: a run scores the book in columns, and every figure of it is what the single-customer path gives."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from scoring_svc.engagements.repository import read_contacts
from scoring_svc.ledger.repository import Reversal, fold_reversals, read_days
from scoring_svc.runs import exchange
from scoring_svc.scorer.service import score_dirty_customers
from scoring_svc.scores.in_force import read_active_models
from scoring_svc.scores.repository import read_scores
from scoring_svc.scores.schemas import ScoreOut
from scoring_svc.scores.service import score_customer

from .conftest import METHOD, NOW, OWN, TODAY, Desk, fill, one_entry

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(hours=1)
EVERYTHING = "SELECT * FROM score ORDER BY customer_id"


async def one_by_one(desk: Desk, now: Any) -> dict[Any, Any]:
    """What `GET /v1/scores/{id}` would say of every customer."""
    async with desk.database.transaction(readonly=True) as uow:
        ids = [row[0] for row in await uow.driver.fetch("SELECT customer_id FROM score")]
        days, told = await read_days(uow, ids, until=TODAY), await read_contacts(uow, ids)
        models = await read_active_models(uow)
    found = {one: score_customer(METHOD, models, one, days.get(one, []), told.get(one, []), TODAY, now) for one in ids}
    return {one: ScoreOut.of(score[0]).model_dump_json() for one, score in found.items() if score}


async def details(desk: Desk) -> dict[Any, Any]:
    """What the stored scores say, as it would be served."""
    return {one: ScoreOut.of(score).model_dump_json() for one, score in (await desk.do(_stored)).items()}


async def _stored(uow: Any) -> Any:
    ids = [row[0] for row in await uow.driver.fetch("SELECT customer_id FROM score")]
    return await read_scores(uow, METHOD, ids)


@pytest.mark.parametrize("seed", range(4))
async def test_s2_a_run_writes_what_the_single_customer_path_writes(desk: Desk, seed: int) -> None:
    customers = await fill(desk, seed, 400)
    await desk.score()
    before = await desk.fetch(EVERYTHING)
    run = await desk.run(now=LATER)
    assert run.state == "succeeded"
    assert run.result is not None
    assert run.result["lifetime_model"]["refusal"] is None
    plain, left = run.result["scored_in_columns"], run.result["scored_one_by_one"]
    assert plain + left == len(before) == run.result["customers"]
    assert left < plain
    assert len(before) <= len(customers)
    await desk.score(LATER)  # those whom the columns cannot say everything of
    by_run = await desk.fetch(EVERYTHING)
    assert by_run != before
    assert await details(desk) == await one_by_one(desk, LATER)
    await desk.execute("INSERT INTO dirty_customer SELECT customer_id, $1, $2, NULL, false FROM score", NOW, TODAY)
    await desk.score(LATER)
    assert await desk.fetch(EVERYTHING) == by_run


async def test_s2_indexes_and_columns_are_the_same_after_an_exchange(desk: Desk) -> None:
    catalogue = (
        "SELECT attname, atttypid::regtype::text, attnotnull, NULL FROM pg_attribute WHERE attrelid = 'score'::regclass AND attnum > 0"
        " UNION ALL SELECT indexname, indexdef, NULL, NULL FROM pg_indexes WHERE tablename = 'score'"
        " UNION ALL SELECT conname, contype::text, NULL, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'score'::regclass"
        " ORDER BY 1, 2"
    )
    before = await desk.fetch(catalogue)
    await fill(desk, 1, 50)
    await desk.score()
    for _ in range(2):
        assert (await desk.run()).state == "succeeded"
        assert await desk.fetch(catalogue) == before


async def test_s2_scores_of_yesterday_are_brought_to_the_day_first(desk: Desk) -> None:
    await fill(desk, 2, 60)
    await desk.score(NOW - timedelta(days=1))
    run = await desk.run()
    assert run.result is not None
    assert run.result["scored_in_columns"] > run.result["scored_one_by_one"]
    assert await desk.fetch("SELECT DISTINCT as_of FROM score") == [(TODAY,)]
    await desk.score()
    assert await details(desk) == await one_by_one(desk, NOW)


async def test_s2_scores_from_before_there_were_columns_are_scored_anew(desk: Desk) -> None:
    (customer,) = await fill(desk, 2, 1)
    await desk.score()
    names = [
        row[0] for row in await desk.fetch("SELECT attname FROM pg_attribute WHERE attrelid = 'score'::regclass AND attnum > 10")
    ]
    await desk.execute(f"UPDATE score SET detail = '{{}}', {', '.join(f'{name} = NULL' for name in names)}")  # noqa: S608 - names
    run = await desk.run()
    assert run.result is not None
    assert run.result["scored_in_columns"] == 1
    assert await details(desk) == await one_by_one(desk, NOW)
    assert [row[0] for row in await desk.fetch("SELECT customer_id FROM score")] == [customer]


async def test_s2_a_run_of_an_earlier_day_fits_that_day_and_scores_this_one(desk: Desk) -> None:
    await fill(desk, 3, 400)
    await desk.score()
    run = await desk.run(TODAY - timedelta(days=40))
    assert run.state == "succeeded"
    assert await desk.fetch("SELECT DISTINCT as_of FROM lifetime_model") == [(TODAY - timedelta(days=40),)]
    await desk.score()
    assert await details(desk) == await one_by_one(desk, NOW)
    ages = await desk.fetch("SELECT customers FROM lifetime_model")
    assert 0 < ages[0][0] < 400


async def test_s2_who_is_scored_while_a_run_goes_on_keeps_the_later_score(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A posting comes after the book was read, before it is exchanged: to a plain customer, to one who ceases to be plain, to a new
    one; another customer's last entry is reversed."""
    random = Random(5)
    ids = await fill(desk, 5, 120)
    single = one_entry(random, uuid4(), TODAY, -5_000, OWN[0])
    await desk.fold([single])
    await desk.score()
    plain = await desk.fetch("SELECT customer_id FROM score WHERE detail IS NULL AND currency = 'CNY' ORDER BY 1 LIMIT 2")
    posted = [one_entry(random, one, TODAY, -123_456, OWN[0]) for one in (plain[0][0], uuid4())]
    posted.append(one_entry(random, plain[1][0], TODAY, -777, OWN[0], "USD"))
    read = exchange.read_book

    async def read_and_then(uow: Any) -> Any:
        book = await read(uow)
        await desk.fold(posted, LATER)
        await desk.do(lambda other: fold_reversals(other, [Reversal(single.customer_id, single.entry_id, uuid4())], LATER))
        await desk.score(LATER)
        return book

    monkeypatch.setattr(exchange, "read_book", read_and_then)
    run = await desk.run(now=NOW)
    assert run.state == "succeeded"
    assert run.result is not None
    assert run.result["scored_meanwhile"] == 4
    known = await desk.fetch("SELECT customer_id FROM score WHERE known_at = $1 ORDER BY 1", LATER)
    assert [row[0] for row in known] == sorted(entry.customer_id for entry in posted)
    assert not await desk.fetch("SELECT FROM score WHERE customer_id = $1", single.customer_id)
    dirty = {row[0] for row in await desk.fetch("SELECT customer_id FROM dirty_customer")}
    assert {entry.customer_id for entry in posted} <= dirty
    await desk.score(LATER)
    await desk.execute(
        "UPDATE score SET known_at = $1, detail = jsonb_set(detail, '{known_at}', '\"2026-03-10T05:00:00Z\"')", LATER
    )
    assert await details(desk) == await one_by_one(desk, LATER)
    assert len(ids) + 1 >= len(await desk.fetch(EVERYTHING))


async def test_s2_runs_scorers_and_postings_at_the_same_time_lose_nothing(desk: Desk) -> None:
    """Two scorers, two workers at the runs and a stream of postings, all at once; in the end every score is what the ledger says."""
    random = Random(11)
    ids = await fill(desk, 11, 90)
    await desk.score()
    runs = [await desk.request() for _ in range(4)]
    over = False

    async def post() -> None:
        nonlocal over
        for number in range(60):
            chosen = sorted(random.sample(ids, 3))
            await desk.fold([one_entry(random, one, TODAY, -random.randint(1, 9_999), OWN[0]) for one in chosen], NOW)
            if number == 20:
                await desk.fold([one_entry(random, uuid4(), TODAY, 5_000, OWN[0])])
        while await desk.fetch("SELECT FROM score_run WHERE state IN ('queued', 'running')"):
            await desk.step()
        over = True

    async def keep(work: Any) -> None:
        while not over:
            await work()

    scorers = [keep(lambda: desk.do(lambda uow: score_dirty_customers(uow, METHOD, NOW))) for _ in range(2)]
    await asyncio.gather(post(), *scorers, *(keep(desk.step) for _ in range(2)))
    assert [(await desk.state(run)).state for run in runs] == ["succeeded"] * 4
    await desk.score()
    assert await details(desk) == await one_by_one(desk, NOW)
    assert await desk.fetch("SELECT FROM score_news") == []
