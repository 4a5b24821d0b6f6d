"""S1: the series of balances begins where core banking's reports say it does, however reports and postings arrive."""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.messaging.envelope import Envelope
from guanxi_contracts.topics import validate_data
from scoring_svc.holdings.consumers import ACCOUNT_CLOSED, ACCOUNT_OPENED, ACCOUNT_REOPENED, BALANCE_REPORTED, take_up_accounts
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import CustomerHistory, history_of
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.ledger.repository import Entry, Reversal
from scoring_svc.queues.rescoring import take_dirty
from scoring_svc.scorer.checks import is_reproduced
from scoring_svc.scorer.service import score_dirty_customers
from scoring_svc.scores.repository import untouched
from scoring_svc.shipped import load_method

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
TODAY = date(2026, 11, 25)
METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))


@dataclass(frozen=True)
class Told:
    """A report of core banking's."""

    account: UUID
    as_of: date
    balance: int
    revision: int = 1


@pytest.fixture
async def database(postgres: Any) -> AsyncIterator[Database]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=2))
        yield database
        await database.dispose()


def entry(customer: UUID, account: UUID, ago: int, amount: int, code: str = "card", currency: str = "CNY") -> Entry:
    return Entry(
        customer,
        uuid4(),
        account,
        TODAY - timedelta(days=ago),
        amount,
        currency,
        METHOD[ActivityClasses].classify(code),
        code,
    )


async def report(database: Database, at: datetime, customer: UUID, told: Sequence[Told]) -> None:
    events = []
    for one in told:
        data = {
            "account_id": str(one.account),
            "customer_id": str(customer),
            "as_of": one.as_of.isoformat(),
            "money": {"amount": one.balance, "currency": "CNY"},
            "revision": one.revision,
        }
        validate_data(BALANCE_REPORTED, data)
        id_ = uuid5(one.account, f"{one.as_of} {one.revision}")
        events.append(Envelope(id_, BALANCE_REPORTED, "bank.accounts", str(customer), "/customer-svc", NOW, data))
    async with database.transaction() as uow:
        await take_up_accounts(ManualClock(at))(uow, events)
        await uow.commit()


async def fold(database: Database, at: datetime, entries: Sequence[Entry], undone: Sequence[Entry] = ()) -> None:
    async with database.transaction() as uow:
        if entries:
            await ledger.fold_entries(uow, entries, at, at.date())
        if undone:
            await ledger.fold_reversals(uow, [Reversal(e.customer_id, e.entry_id, uuid5(e.entry_id, "r")) for e in undone], at)
        await uow.commit()


async def days_of(
    database: Database, customer: UUID, as_of: date = TODAY, known_at: datetime | None = None
) -> list[DailyActivity]:
    async with database.transaction(readonly=True) as uow:
        if known_at is None:
            return (await ledger.read_days(uow, [customer], until=as_of)).get(customer, [])
        return (await ledger.read_days_known_at(uow, [customer], until=as_of, known_at=known_at)).get(customer, [])


async def history(database: Database, customer: UUID, as_of: date = TODAY, known_at: datetime | None = None) -> CustomerHistory:
    found = history_of(await days_of(database, customer, as_of, known_at), METHOD[ActivityClasses], as_of)
    assert found is not None
    return found


def by_hand(day: date, as_of: date, accounts: Sequence[UUID], entries: Sequence[Entry], reports: Sequence[Told]) -> int:
    """An account's balance: of the last report up to the day, else of the first after it by `as_of`, and the entries between."""
    total = 0
    for account in accounts:
        told = sorted((r.as_of, r.balance) for r in reports if r.account == account and r.as_of <= as_of)
        before = [r for r in told if r[0] <= day]
        from_, balance = before[-1] if before else told[0] if told else (date.min, 0)
        for one in entries:
            if one.account_id == account:
                balance += one.amount_minor * ((from_ < one.booked_on <= day) - (day < one.booked_on <= from_))
        total += balance
    return total


@pytest.mark.parametrize("seed", range(6))
async def test_s1_balances_are_those_reported_however_reports_and_postings_arrive(seed: int, database: Database) -> None:
    chance = random.Random(seed)
    customer, accounts = uuid4(), [uuid4() for _ in range(3)]
    true = {account: chance.randint(-10_000, 5_000_000) for account in accounts}
    posted = [
        entry(customer, chance.choice(accounts), chance.randint(0, 300), chance.choice((-1, 1)) * chance.randint(1, 90_000))
        for _ in range(80)
    ]
    missing, undone = posted[:3], posted[3:12]
    counting = [one for one in posted if one not in undone]
    reports = [
        Told(account, on, true[account] + sum(e.amount_minor for e in counting if e.account_id == account and e.booked_on <= on))
        for account in accounts[:2]
        for on in {TODAY - timedelta(days=chance.randint(1, 250)) for _ in range(chance.randint(1, 5))}
    ]
    steps: list[tuple[str, Any]] = [("post", one) for one in posted if one not in missing]
    steps += [("undo", one) for one in undone] + [("report", one) for one in reports]
    steps += chance.sample(steps, 20)
    chance.shuffle(steps)
    folded: list[Entry] = []
    told: list[Told] = []
    asked: list[tuple[datetime, date, list[DailyActivity]]] = []
    clock = ManualClock(NOW - timedelta(hours=3))
    for kind, what in steps:
        clock.advance(timedelta(seconds=1))
        if kind == "post":
            await fold(database, clock.now(), [what])
        elif kind == "undo":
            await fold(database, clock.now(), [], [what])
        else:
            await report(database, clock.now(), customer, [what])
        (told if kind == "report" else folded).append(what)
        if chance.random() < 0.1:
            as_of = TODAY - timedelta(days=chance.choice((0, 30, 120)))
            asked.append((clock.now(), as_of, await days_of(database, customer, as_of)))
    known = [one for one in counting if one not in missing]
    for as_of in (TODAY, TODAY - timedelta(days=60)):
        found = await history(database, customer, as_of)
        for back in range(0, 240, 7):
            day = as_of - timedelta(days=back)
            assert found.balance_on(day) == by_hand(day, as_of, accounts, known, reports)
    for at, as_of, days in asked:
        assert await days_of(database, customer, as_of, at) == days


async def test_s1_without_a_report_the_balance_begins_at_zero_and_a_report_moves_only_balances(database: Database) -> None:
    customer, account = uuid4(), uuid4()
    await fold(database, NOW, [entry(customer, account, ago, -1_000) for ago in (100, 50, 10)])
    bare = await history(database, customer)
    assert (bare.opening_minor, bare.balance_on(TODAY)) == (0, -3_000)
    await report(database, NOW, customer, [Told(account, TODAY - timedelta(days=30), 500_000)])
    anchored = await history(database, customer)
    assert (anchored.opening_minor, anchored.balance_on(TODAY), anchored.median_balance(TODAY)) == (502_000, 499_000, 500_000)
    same = ("first_day", "flows", "acts", "inflow_minor", "outflow_minor", "other_currencies", "balance_changes")
    assert [getattr(anchored, name) for name in same] == [getattr(bare, name) for name in same]
    assert await history(database, customer, TODAY - timedelta(days=31)) == history_of(
        [day for day in await days_of(database, customer) if day.entries], METHOD[ActivityClasses], TODAY - timedelta(days=31)
    )


async def test_s1_a_report_marks_the_customer_dirty_only_where_it_moves_the_balance(database: Database) -> None:
    customer, account = uuid4(), uuid4()
    await fold(database, NOW, [entry(customer, account, ago, 1_000) for ago in (40, 20)])
    async with database.transaction() as uow:
        await take_dirty(uow, 10, NOW)
        await uow.commit()
    steps = [(30, 1_000, False), (10, 2_000, False), (9, 2_500, True), (8, 2_500, False)]
    for ago, balance, moves in steps:
        on = TODAY - timedelta(days=ago)
        for told_again in (False, True):
            await report(database, NOW, customer, [Told(account, on, balance)])
            async with database.transaction() as uow:
                dirty = [(one.customer_id, one.touched_from) for one in await take_dirty(uow, 10, NOW)]
                await uow.commit()
            assert dirty == ([(customer, on)] if moves and not told_again else [])


async def test_s7_a_fall_that_only_the_reported_balance_makes_visible_is_signalled(database: Database) -> None:
    """60,000.00 of 80,000.00 go; to who begins at zero it looks like a debt that grows."""
    customer, account = uuid4(), uuid4()
    moves = [entry(customer, account, ago, -100) for ago in (200, 150, 100, 50)]
    for reported in (False, True):
        async with database.transaction() as uow:
            await uow.driver.execute("DELETE FROM signal")
            await uow.commit()
        if reported:
            await report(database, NOW, customer, [Told(account, TODAY - timedelta(days=100), 8_000_000)])
        else:
            await fold(database, NOW, [*moves, entry(customer, account, 1, -6_000_000, "transfer")])
        async with database.transaction() as uow:
            await score_dirty_customers(uow, METHOD, NOW)
            kinds = {row[0] for row in await uow.driver.fetch("SELECT kind FROM signal")}
            balance = await uow.driver.fetchval("SELECT balance_minor FROM score")
            await uow.commit()
        assert ("balance_drop" in kinds) is reported
        assert balance == (2_000_000 - 100 if reported else -6_000_400)


async def test_s6_a_stored_score_is_reproduced_whatever_is_reported_or_posted_later(database: Database) -> None:
    customer, account, later = uuid4(), uuid4(), NOW + timedelta(hours=1)
    late = entry(customer, account, 20, -70_000)
    await fold(database, NOW, [entry(customer, account, ago, -100) for ago in (200, 100, 3)])
    await report(database, NOW, customer, [Told(account, TODAY - timedelta(days=90), 900_000)])
    async with database.transaction() as uow:
        await score_dirty_customers(uow, METHOD, NOW)
        (stored,) = await untouched(uow, METHOD, [customer])
        await uow.commit()
    assert stored.score is not None
    assert stored.score.figures.balance_minor == 899_900
    await report(database, later, customer, [Told(account, TODAY - timedelta(days=5), 400_000)])
    await fold(database, later, [late])
    async with database.transaction(readonly=True) as uow:
        assert await untouched(uow, METHOD, [customer]) == []
        assert await is_reproduced(uow, METHOD, stored)
    assert (await history(database, customer)).balance_on(TODAY) == 399_900


@pytest.mark.parametrize("order", permutations(range(3)), ids=str)
async def test_d12_of_a_day_the_greatest_revision_stands_in_any_order_and_what_was_known_before_stays(
    order: tuple[int, ...], database: Database
) -> None:
    customer, account, day = uuid4(), uuid4(), TODAY - timedelta(days=3)
    reports = [Told(account, day, balance, revision) for revision, balance in ((1, 100), (2, 900), (3, 100))]
    await fold(database, NOW, [entry(customer, account, 10, 50)])
    for place in order:
        await report(database, NOW + timedelta(minutes=place), customer, [reports[place]])
    assert (await history(database, customer)).balance_on(TODAY) == 100
    if order == (0, 1, 2):
        assert (await history(database, customer, known_at=NOW + timedelta(minutes=1))).balance_on(TODAY) == 900


async def test_d12_a_holding_keeps_the_facts_of_the_greatest_revision(database: Database) -> None:
    """An opening, its correction, a closing and a re-opening, in every order."""
    account = uuid4()
    opening = {"source": "core", "product_code": "term", "currency": "CNY", "opened_on": "2024-03-01"}
    told: list[tuple[str, dict[str, Any]]] = [
        (ACCOUNT_OPENED, {**opening, "revision": 1, "matures_on": "2026-03-01"}),
        (ACCOUNT_CLOSED, {"closed_on": "2026-05-01", "revision": 2}),
        (ACCOUNT_OPENED, {**opening, "revision": 3, "product_code": "term_24m"}),
        (ACCOUNT_REOPENED, {"revision": 4}),
    ]
    async with database.transaction() as uow:
        for order in permutations(told):
            customer = uuid4()
            for type_, fact in order:
                data = {**fact, "account_id": str(account), "customer_id": str(customer)}
                event = Envelope(uuid4(), type_, "bank.accounts", str(customer), "/customer-svc", NOW, data)
                await take_up_accounts(ManualClock(NOW))(uow, [event])
        rows = await uow.driver.fetch("SELECT DISTINCT product_code, matures_on, closed_on FROM holding")
    assert [tuple(row) for row in rows] == [("term_24m", None, None)]
