"""D18: no sum of one customer's postings stops the others, or is wrong below the limit (ADR 34)."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.money import POSTING_LIMIT, SUM_LIMIT
from guanxi_testing.work import work_by
from scoring_svc.concentration.policy import Measure, Part
from scoring_svc.concentration.service import Question, read_concentration
from scoring_svc.ledger import repository
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.ledger.repository import Entry, Report, Reversal
from scoring_svc.rfm.policy import RfmBounds
from scoring_svc.rfm.repository import count_moves
from scoring_svc.runs import service as runs
from scoring_svc.scorer.service import score_dirty_customers
from scoring_svc.scores.columns import COLUMNS
from scoring_svc.shipped import load_method

pytestmark = pytest.mark.anyio

METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
CLASS = min(METHOD[ActivityClasses].customer_initiated)
INT8 = 2**63 - 1


@pytest.fixture
async def database(postgres: Any) -> AsyncIterator[Database]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=4))
        yield database
        await database.dispose()


def _entries(customer: UUID, count: int, amount: int = POSTING_LIMIT, day: date = TODAY) -> list[Entry]:
    return [Entry(customer, uuid4(), customer, day, amount, "CNY", CLASS, "card") for _ in range(count)]


async def _fold(uow: UnitOfWork, entries: list[Entry]) -> None:
    await repository.fold_entries(uow, entries, NOW, TODAY)


async def _reverse(uow: UnitOfWork, entries: list[Entry]) -> None:
    await repository.fold_reversals(uow, [Reversal(one.customer_id, one.entry_id, uuid4()) for one in entries], NOW)


async def _day(uow: UnitOfWork) -> tuple[int, int, int] | None:
    row = await uow.driver.fetchrow("SELECT entries, credit_minor, debit_minor FROM daily_activity")
    return tuple(row) if row else None


async def test_d18_a_day_saturates_and_is_exact_again_when_reversals_take_it_below(database: Database) -> None:
    paid_in = _entries(uuid4(), 6_000)
    customer = paid_in[0].customer_id
    paid_out = _entries(customer, 5_000, -POSTING_LIMIT)
    async with database.transaction() as uow:
        for batch in (paid_in[:5_000], paid_in[5_000:], paid_out):
            await _fold(uow, batch)
        assert await _day(uow) == (11_000, SUM_LIMIT, -SUM_LIMIT)
        await _reverse(uow, paid_in[:1_000])
        assert await _day(uow) == (10_000, SUM_LIMIT, -SUM_LIMIT), "five thousand are left"
        await _reverse(uow, paid_in[1_000:3_000] + paid_out[:4_999])
        assert await _day(uow) == (3_001, 3_000 * POSTING_LIMIT, -POSTING_LIMIT)
        await _fold(uow, more := _entries(customer, 1_500))
        assert await _day(uow) == (4_501, SUM_LIMIT, -POSTING_LIMIT)
        await _reverse(uow, more + paid_in[3_000:] + paid_out[4_999:])
        assert await _day(uow) is None


@pytest.mark.parametrize("seed", range(3))
async def test_d18_any_order_of_postings_and_reversals_gives_the_same_day(database: Database, seed: int) -> None:
    choice = random.Random(seed)
    entries = [
        entry
        for amount in (SUM_LIMIT // 3, SUM_LIMIT // 2, POSTING_LIMIT, -SUM_LIMIT // 2, -7)
        for entry in _entries(UUID(int=seed + 1), choice.randint(1, 3), amount)
    ]
    undone = choice.sample(entries, len(entries) // 2)
    steps = [(_fold, one) for one in entries] + [(_reverse, one) for one in undone]
    choice.shuffle(steps)
    left = [one.amount_minor for one in entries if one not in undone]
    credit, debit = sum(a for a in left if a > 0), sum(a for a in left if a < 0)
    async with database.transaction() as uow:
        for step, entry in steps:
            await step(uow, [entry])
        # A reversal that came first left nothing to take back, and its entry never counted.
        assert await _day(uow) == (len(left), min(credit, SUM_LIMIT), max(debit, -SUM_LIMIT))


async def test_d18_reported_balances_beyond_eight_bytes_are_reckoned(database: Database) -> None:
    customer = uuid4()
    async with database.transaction() as uow:
        reports = [Report(customer, uuid4(), TODAY, POSTING_LIMIT, "CNY") for _ in range(9_500)]
        await repository.add_reports(uow, reports, NOW)
        days = await repository.read_days(uow, [customer], until=TODAY)
    assert [(day.credit_minor, day.debit_minor) for day in days[customer]] == [(SUM_LIMIT, 0)]


async def _book(uow: UnitOfWork, customer: UUID) -> None:
    await uow.driver.execute(
        "INSERT INTO book_assignment (customer_id, capacity, valid_from, outlet_id, version) VALUES ($1, 'primary_rm', $2, $3, 1)",
        customer,
        NOW - timedelta(days=9),
        uuid4(),
    )


async def _huge(uow: UnitOfWork, customer: UUID, days: int) -> None:
    """On each day more than eight bytes hold, in and out."""
    rows = [
        (customer, TODAY - timedelta(days=ago), "CNY", kind, 9_000, credit, debit)
        for ago in range(days)
        for kind, credit, debit in ((CLASS, SUM_LIMIT, -SUM_LIMIT), (min(METHOD[ActivityClasses].salary), SUM_LIMIT, 0))
    ]
    await uow.driver.copy_records_to_table("daily_activity", records=rows)
    await uow.driver.execute(
        "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) VALUES ($1, $2, $3, false)",
        customer,
        NOW,
        TODAY - timedelta(days=days),
    )


async def test_d18_a_customer_beyond_eight_bytes_is_scored_and_stops_neither_scores_nor_the_head_office(
    database: Database,
) -> None:
    huge, others = uuid4(), [uuid4() for _ in range(5)]
    async with database.transaction() as uow:
        await _huge(uow, huge, 400)
        for one in others:
            await _fold(uow, [entry for ago in (0, 9) for entry in _entries(one, 1, 50_000, TODAY - timedelta(days=ago))])
        for one in (huge, *others):
            await _book(uow, one)
        await uow.commit()
    async with database.transaction() as uow:
        assert await score_dirty_customers(uow, METHOD, NOW) == 6
        await uow.commit()
    async with database.transaction() as uow:
        scores = await uow.driver.fetch(f"SELECT {', '.join(COLUMNS)} FROM score")  # noqa: S608  # constants
        assert len(scores) == 6
        assert all(abs(value) <= SUM_LIMIT for row in scores for value in row.values() if isinstance(value, int))
        assert await uow.driver.fetchval("SELECT count(*) FROM set_aside_item") == 0
        await _answers_to_the_head_office(uow)
        run = await runs.request_run(uow, METHOD, None, "staff:1", NOW)
        await uow.commit()
    stepped = True
    while stepped:
        async with database.transaction() as uow:
            stepped = await runs.work_on_run(uow, database, METHOD, NOW)
            await uow.commit()
    async with database.transaction() as uow:
        assert (await runs.repository.read_run(uow, run.id)).state == "succeeded"  # type: ignore[union-attr]  # requested above


async def _answers_to_the_head_office(uow: UnitOfWork) -> None:
    work = work_by("staff:1", uow, NOW, METHOD.calendar)
    for measure in Measure:
        found = await read_concentration(work, METHOD, Question(measure, "CNY", TODAY, Part.STAFF, 10))
        assert found.book.customers == 6
        assert measure is Measure.PRODUCT_MARGIN or found.book.total_minor >= SUM_LIMIT or measure is Measure.MARGIN
    bounds = {"CNY": RfmBounds((1, 2, 3, 4), (1, 2, 3, 4), (10**9, SUM_LIMIT - 1, INT8 - 1, INT8), "standard:1:CNY")}
    before = TODAY - timedelta(days=30)
    moves = await count_moves(work, before, TODAY, 365, METHOD[ActivityClasses].customer_initiated, bounds)
    assert sum(customers for *_, customers in moves["CNY"] or ()) == 6
