"""A scoring database with the sandbox's real bank in its ledger, as of the last complete day."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.migrate import migrate
from guanxi_common.db.uow import Database, create_engine
from guanxi_sandbox.berka import read_berka
from scoring_svc.ledger.policy import load_activity_classes
from scoring_svc.ledger.repository import Entry, fold_entries
from scoring_svc.method import Method
from scoring_svc.scorer.service import score_dirty_customers
from scoring_svc.scores.documents import document_of
from scoring_svc.scores.repository import read_scores
from scoring_svc.shipped import load_method

BOOKED = datetime(1994, 3, 30, 12, tzinfo=UTC)
NOW = datetime(1994, 3, 30, 13, tzinfo=UTC)
BOOK = UUID(int=7)
BATCH = 4_000


async def load_bank(url: str) -> None:
    """Migrate, and fold every posting of the sandbox; a customer's id is derived from the account's number."""
    await migrate(url, "scoring_svc")
    database = Database(create_engine(url, pool_size=1))
    classes = load_activity_classes()
    entries = [
        Entry(
            uuid5(BOOK, str(row.account_id)),
            uuid5(BOOK, f"entry {row.transaction_id}"),
            uuid5(BOOK, f"account {row.account_id}"),
            row.booked_on,
            row.amount_minor,
            "CZK",
            classes.classify(row.code),
            row.code,
        )
        for row in read_berka().transactions
    ]
    for start in range(0, len(entries), BATCH):
        async with database.transaction() as uow:
            await fold_entries(uow, entries[start : start + BATCH], BOOKED, BOOKED.date())
            await uow.commit()
    async with database.transaction() as uow:
        await uow.driver.execute("TRUNCATE dirty_customer")
        await uow.commit()
    await database.dispose()


@pytest.fixture
def method() -> Method:
    return load_method(BusinessCalendar(zone="Asia/Shanghai"))


@pytest.fixture
async def bank(postgres: Any) -> AsyncIterator[Database]:
    async with postgres.database(await postgres.template("template_scoring_bank", load_bank)) as url:
        database = Database(create_engine(url, pool_size=4))
        yield database
        await database.dispose()


@pytest.fixture
def now() -> datetime:
    return NOW


class Book:
    """Marks customers dirty and scores them as the worker does."""

    def __init__(self, database: Database, method: Method) -> None:
        self.database = database
        self.method = method

    async def mark(self, customers: int) -> list[UUID]:
        """The first customers by id that have a long history."""
        async with self.database.transaction() as uow:
            rows = await uow.driver.fetch(
                "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) SELECT customer_id, $1, $2, false FROM"
                " (SELECT customer_id FROM daily_activity GROUP BY 1 HAVING min(booked_on) < '1993-09-01' ORDER BY 1 LIMIT $3) known"
                " ON CONFLICT DO NOTHING RETURNING customer_id",
                NOW,
                NOW.date(),
                customers,
            )
            await uow.commit()
        return [row[0] for row in rows]

    async def score(self, now: datetime = NOW) -> None:
        """Until nobody is dirty."""
        done = 1
        while done:
            async with self.database.transaction() as uow:
                done = await score_dirty_customers(uow, self.method, now)
                await uow.commit()

    async def stored(self) -> dict[UUID, Any]:
        async with self.database.transaction(readonly=True) as uow:
            rows = await uow.driver.fetch("SELECT customer_id FROM score ORDER BY customer_id")
            scores = await read_scores(uow, self.method, [row[0] for row in rows])
        return {customer_id: document_of(score) for customer_id, score in scores.items()}


@pytest.fixture
def book(bank: Database, method: Method) -> Book:
    return Book(bank, method)
