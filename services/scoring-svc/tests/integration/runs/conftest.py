"""A random book with everything in it that makes customers differ, and the steps of a run."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, create_engine
from scoring_svc.engagements.repository import ContactEffect, add_effects
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.ledger.repository import Entry, Reversal, fold_entries, fold_reversals
from scoring_svc.runs import repository, service
from scoring_svc.runs.repository import ScoreRun
from scoring_svc.scorer.service import score_dirty_customers
from scoring_svc.shipped import load_method

METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
CODES = {
    name: min(code for code, its in METHOD[ActivityClasses].by_code.items() if its == name)
    for name in set(METHOD[ActivityClasses].by_code.values())
}
OWN = sorted(METHOD[ActivityClasses].customer_initiated)
INCOME, INTEREST = min(METHOD[ActivityClasses].salary), "interest"


class Desk:
    """Folds, scores and runs as the worker does, each in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def do(self, work: Callable[[Any], Any]) -> Any:
        async with self.database.transaction() as uow:
            found = await work(uow)
            await uow.commit()
        return found

    async def fold(self, entries: list[Entry], now: datetime = NOW) -> None:
        await self.do(lambda uow: fold_entries(uow, entries, now, now.date()))

    async def score(self, now: datetime = NOW) -> None:
        """Until nobody is dirty."""
        while await self.do(lambda uow: score_dirty_customers(uow, METHOD, now)):
            pass

    async def request(self, as_of: date | None = None) -> ScoreRun:
        run: ScoreRun = await self.do(lambda uow: service.request_run(uow, METHOD, as_of, "staff:1", NOW))
        return run

    async def step(self, now: datetime = NOW) -> bool:
        return bool(await self.do(lambda uow: service.work_on_run(uow, self.database, METHOD, now)))

    async def steps_to(self, stage: str, now: datetime = NOW) -> None:
        """Until the run under way is in `stage`, whose work is then still to be done."""
        while (await self.do(repository.take_open_run)).stage != stage:
            assert await self.step(now)

    async def run(self, as_of: date | None = None, now: datetime = NOW) -> ScoreRun:
        """A run from the request to its end."""
        run = await self.request(as_of)
        while await self.step(now):
            pass
        return await self.state(run)

    async def state(self, run: ScoreRun) -> ScoreRun:
        found = await self.do(lambda uow: repository.read_run(uow, run.id))
        assert found is not None
        return found

    async def fetch(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.do(lambda uow: uow.driver.fetch(query, *arguments))]

    async def execute(self, statement: str, *arguments: object) -> None:
        await self.do(lambda uow: uow.driver.execute(statement, *arguments))


@pytest.fixture
async def desk(postgres: Any) -> AsyncIterator[Desk]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=8))
        yield Desk(database)
        await database.dispose()


def one_entry(random: Random, customer: UUID, on: date, amount: int, name: str, currency: str = "CNY") -> Entry:
    ids = [UUID(int=random.getrandbits(128)) for _ in range(2)]
    return Entry(customer, ids[0], ids[1], on, amount, currency, name, CODES.get(name, name))


def acts(random: Random) -> list[date]:
    """The days of one customer of the BG/NBD model itself."""
    at = float(random.randint(1, 900))
    rate, drop_out = random.gammavariate(0.8, 0.1), random.betavariate(0.8, 2.4)
    found = [at]
    while random.random() > drop_out and (at := at - random.expovariate(rate)) >= 0:
        found.append(at)
    return [TODAY - timedelta(days=int(ago)) for ago in found]


def history(random: Random, customer: UUID, kind: int) -> list[Entry]:
    """Postings of one customer; `kind` chooses among those whom something sets apart."""
    days = lambda ago: TODAY - timedelta(days=ago)  # noqa: E731 - read as a word
    if kind == 0:  # never acted
        return [one_entry(random, customer, days(30 * n), 500, INTEREST) for n in range(random.randint(1, 20))]
    if kind == 1:  # acted once
        return [one_entry(random, customer, days(random.randint(0, 700)), random.choice([-1, 1]) * 70_000, OWN[0])]
    if kind == 2:  # salary that has stopped, or has not
        last = random.randint(0, 60)
        return [one_entry(random, customer, days(last + 30 * n), 900_000 + random.randint(0, 9), INCOME) for n in range(8)]
    if kind == 3:  # more than can be multiplied in eight bytes
        return [one_entry(random, customer, days(200 * n), 10**15 - n, OWN[0]) for n in range(3)]
    currency = random.choice(["CNY", "CNY", "CNY", "CZK", "JPY"])
    scale = random.choice([1, 1_000, 1_000_000])
    entries = [
        one_entry(random, customer, on, random.randint(-900, 1_000) * scale or scale, random.choice(OWN), currency)
        for on in acts(random)
    ]
    if kind == 4:  # a second currency
        entries.append(one_entry(random, customer, days(random.randint(0, 400)), 100, OWN[0], "USD"))
    if kind == 5:  # a posting dated ahead
        entries.append(one_entry(random, customer, days(-3), 100, OWN[0], currency))
    return entries


async def fill(desk: Desk, seed: int, customers: int) -> list[UUID]:
    """Fold a random book, with reversals and contacts; returns the customers in the order of their ids."""
    random = Random(seed)
    ids = sorted(UUID(int=random.getrandbits(128)) for _ in range(customers))
    entries = [entry for number, one in enumerate(ids) for entry in history(random, one, number % 12)]
    for start in range(0, len(entries), 1_000):
        await desk.fold(entries[start : start + 1_000])
    undone = [
        Reversal(entry.customer_id, entry.entry_id, UUID(int=random.getrandbits(128)))
        for entry in random.sample(entries, len(entries) // 20)
    ]
    await desk.do(lambda uow: fold_reversals(uow, undone, NOW))
    told = [
        ContactEffect(
            one,
            UUID(int=random.getrandbits(128)),
            "interaction",
            TODAY - timedelta(days=ago),
            random.choice([-1500, 700]),
            1,
            None,
        )
        for one in ids[6::12]
        for ago in random.sample(range(200), 2)
    ]
    await desk.do(lambda uow: add_effects(uow, told, NOW))
    return ids
