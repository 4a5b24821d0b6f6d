"""Items from Kafka that HTTP would reject: kept and listed, no dead letters, and nobody waits behind them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from customer_svc.inbound import repository
from customer_svc.kinds import KINDS
from customer_svc.parts import CustomerWorkerParts
from customer_svc.slices import SLICES
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.keys.store import KeyStore
from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.inbox import PostgresInbox
from guanxi_common.messaging.processing import Processor
from guanxi_common.security.principal import SYSTEM_SCOPE
from guanxi_common.standards import Register
from guanxi_testing.databases import TestServer
from guanxi_testing.fabric import record

pytestmark = pytest.mark.anyio

TRANSACTIONS, ACCOUNTS = "bank.inbound.transactions", "bank.inbound.accounts"
TYPES = {TRANSACTIONS: "guanxi.transaction.reported.v1", ACCOUNTS: "guanxi.account.reported.v1"}
PARTS = CustomerWorkerParts(
    clock=SystemClock(), calendar=BusinessCalendar(), keys=cast("KeyStore", None), register=Register(KINDS, BusinessCalendar())
)
"""Intake opens no key."""


@pytest.fixture
async def database(postgres: TestServer) -> AsyncIterator[Database]:
    async with postgres.service_database("customer_svc") as url:
        database = Database(create_engine(url, pool_size=3))
        yield database
        await database.dispose()


def read(topic: str, *items: dict[str, Any]) -> list[Record]:
    out = [record(topic, "core|1", TYPES[topic], data=item) for item in items]
    return [Record(topic, 0, offset, one.key, one.value, one.headers, 0) for offset, one in enumerate(out)]


def posting(number: int, currency: str = "CNY") -> dict[str, Any]:
    return {
        "source": "core",
        "account_number": "1",
        "external_id": f"T-{number}",
        "booked_on": "2026-11-02",
        "money": {"amount": 100, "currency": currency},
    }


def processor(database: Database) -> Processor:
    return Processor(PostgresInbox(database), "customer", SLICES.subscriptions(PARTS))


async def count(database: Database, table: str) -> int:
    async with database.transaction(readonly=True) as uow:
        found: int = await uow.driver.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608  # our own names
        return found


async def test_more_rejections_than_the_dead_letter_limit_stop_nobody(database: Database) -> None:
    records = read(TRANSACTIONS, *(posting(n, "XXQ") for n in range(150)), posting(150))
    await processor(database).process(records)
    await processor(database).process(records)  # read again after a crash
    assert await count(database, "inbound_rejection") == 150
    assert await count(database, "posting") == 1
    assert await count(database, "dead_letter") == 0
    assert await count(database, "inbox_parked") == 0


async def test_rejections_are_listed_the_latest_first_page_by_page(database: Database) -> None:
    before = datetime.now(UTC)
    await processor(database).process(read(TRANSACTIONS, posting(1, "XXQ")))
    balance = {"amount": 5, "currency": "CNY"}
    report = {
        "source": "core",
        "account_number": "9",
        "kind": "balance_reported",
        "balance": balance,
        "balance_as_of": "2026-11-02",
        "reported_at": "2026-11-03T01:00:00Z",
    }
    await processor(database).process(read(ACCOUNTS, report))
    async with database.transaction(readonly=True) as uow:
        [account] = await repository.list_rejections(uow, SYSTEM_SCOPE, source="core", past=None, limit=1)
        [transaction] = await repository.list_rejections(
            uow, SYSTEM_SCOPE, source="core", past=(account.received_at, account.event_id), limit=5
        )
        assert await repository.list_rejections(uow, SYSTEM_SCOPE, source="other", past=None, limit=5) == []
    assert (account.topic, account.account_number, account.external_id, account.code) == (ACCOUNTS, "9", None, "unknown_account")
    assert (transaction.topic, transaction.external_id, transaction.code) == (TRANSACTIONS, "T-1", "unknown_currency")
    assert before <= transaction.received_at <= account.received_at


async def test_d12_an_item_that_does_not_fit_its_schema_is_refused_alone(database: Database) -> None:
    bad = [
        {**posting(1), "external_id": "x" * 256},
        {**posting(2), "booked_on": "2026-02-30"},
        {**posting(3), "money": {"amount": "1", "currency": "CNY"}},
    ]
    await processor(database).process(read(TRANSACTIONS, *bad, posting(4)))
    await processor(database).process(read(ACCOUNTS, {"source": "core", "account_number": "9", "kind": "lost"}))
    assert await count(database, "posting") == 1
    assert await count(database, "dead_letter") == 0
    async with database.transaction(readonly=True) as uow:
        refused = await repository.list_rejections(uow, SYSTEM_SCOPE, source="core", past=None, limit=9)
    assert {(one.external_id, one.code, one.detail.rpartition(": ")[2]) for one in refused} == {
        (None, "invalid_item", "/external_id"),
        ("T-2", "invalid_item", "/booked_on"),
        ("T-3", "invalid_item", "/money/amount"),
        (None, "invalid_item", "/kind"),
    }


async def test_what_cannot_be_read_is_still_a_dead_letter(database: Database) -> None:
    await processor(database).process(read(TRANSACTIONS, {"source": "core"}))
    assert await count(database, "inbound_rejection") == 0
    assert await count(database, "dead_letter") == 1
