"""C9: when a deposit or a loan comes due is taken in by either way, kept, shown and told; a later other word is refused."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest
from customer_svc.accounts import repository, service
from customer_svc.accounts.schemas import AccountItem, AccountResult
from customer_svc.kinds import KINDS
from customer_svc.parts import CustomerWorkerParts
from customer_svc.slices import SLICES
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.keys.store import KeyStore
from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.inbox import PostgresInbox
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.messaging.processing import Processor
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_common.standards import Register
from guanxi_common.work import Work
from guanxi_contracts.topics import validate_data
from guanxi_testing.databases import TestServer
from guanxi_testing.fabric import record

pytestmark = pytest.mark.anyio

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
PARTS = CustomerWorkerParts(
    clock=SystemClock(), calendar=CALENDAR, keys=cast("KeyStore", None), register=Register(KINDS, CALENDAR)
)
"""Intake opens no key."""
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
HOLDER = UUID(int=7)
EVERYBODY = RowScope(ScopeKind.ALL, uuid4())


@pytest.fixture
async def database(postgres: TestServer) -> AsyncIterator[Database]:
    async with postgres.service_database("customer_svc") as url:
        database = Database(create_engine(url, pool_size=3))
        async with database.transaction() as uow:
            await uow.driver.execute(
                "INSERT INTO customer (id, source, customer_number, customer_type, name, name_terms, language, outlet_id,"
                " data_origin, version, created_at, updated_at) VALUES ($1, 'core', '1', 'individual', 'x', '{}', 'en', $2,"
                " 'generated', 1, now(), now())",
                HOLDER,
                uuid4(),
            )
            await uow.driver.execute(
                "INSERT INTO book_assignment (customer_id, capacity, outlet_id, valid_from, version)"
                " VALUES ($1, 'primary_rm', $2, $3, 1)",
                HOLDER,
                uuid4(),
                NOW - timedelta(days=1),
            )
            await uow.commit()
        yield database
        await database.dispose()


def opened(number: str, matures_on: str | None = None) -> dict[str, Any]:
    holder = {"source": "core", "customer_number": "1"}
    told = {"holder": holder, "product_code": "term_12m", "currency": "CNY", "opened_on": "2026-03-01"}
    ends = {"matures_on": matures_on} if matures_on else {}
    return {"source": "core", "account_number": number, "kind": "opened", **told, **ends}


async def report(database: Database, item: dict[str, Any]) -> AccountResult:
    async with database.transaction() as uow:
        result = await service.report_accounts(Work.of_system(uow, "intake", NOW, CALENDAR), [msgspec.convert(item, AccountItem)])
        await uow.commit()
    return result.items[0]


async def told(database: Database) -> list[dict[str, Any]]:
    async with database.transaction(readonly=True) as uow:
        rows = await uow.driver.fetch("SELECT topic, payload FROM outbox WHERE topic = 'bank.accounts' ORDER BY sequence")
    events = [json.loads(one.value or b"") for row in rows for one in unpack(row["topic"], row["payload"])]
    for event in events:
        validate_data("guanxi.account.opened.v1", event)
    return events


async def test_c9_the_maturity_told_over_http_reaches_event_and_list(database: Database) -> None:
    assert (await report(database, opened("D1", "2027-03-01"))).status == "created"
    assert (await report(database, opened("C1"))).status == "created"
    assert [event.get("matures_on") for event in await told(database)] == ["2027-03-01", None]
    async with database.transaction(readonly=True) as uow:
        accounts = await repository.list_accounts(uow, EVERYBODY, HOLDER, NOW)
    assert {account.account_number: str(account.matures_on) for account in accounts} == {"D1": "2027-03-01", "C1": "None"}


async def test_c9_the_maturity_told_by_kafka_reaches_the_event(database: Database) -> None:
    item = {**opened("D1", "2027-03-01"), "reported_at": "2026-11-20T07:00:00Z"}
    validate_data("guanxi.account.reported.v1", item)
    one = record("bank.inbound.accounts", "core|D1", "guanxi.account.reported.v1", data=item)
    read = Record("bank.inbound.accounts", 0, 0, one.key, one.value, one.headers, 0)
    processor = Processor(PostgresInbox(database), "customer", SLICES.subscriptions(PARTS))
    await processor.process([read])
    await processor.process([read])  # read again after a crash
    assert [event["matures_on"] for event in await told(database)] == ["2027-03-01"]


async def test_d12_an_opening_told_again_is_a_duplicate_and_with_another_maturity_or_product_taken(database: Database) -> None:
    await report(database, opened("D1", "2027-03-01"))
    assert (await report(database, opened("D1", "2027-03-01"))).status == "duplicate"
    assert (await report(database, opened("D1", "2027-03-02"))).status == "created"
    assert (await report(database, {**opened("D1"), "product_code": "term_24m"})).status == "created"
    assert [(event["revision"], event.get("matures_on"), event["product_code"]) for event in await told(database)] == [
        (1, "2027-03-01", "term_12m"),
        (2, "2027-03-02", "term_12m"),
        (3, None, "term_24m"),
    ]


@pytest.mark.parametrize("matures_on", ["2026-02-28", "2127-01-01"])
async def test_c9_a_maturity_out_of_range_is_refused(database: Database, matures_on: str) -> None:
    refused = await report(database, opened("D1", matures_on))
    assert (refused.status, refused.error and refused.error.code) == ("rejected", "implausible_maturity")
    assert await told(database) == []


async def test_d12_a_correction_by_kafka_reaches_the_events_in_any_order_and_no_dead_letter(database: Database) -> None:
    """Original, correction and correction of the correction, the latest first; each read twice, as after a crash."""

    def balance(amount: int, hour: int) -> dict[str, Any]:
        money = {"amount": amount, "currency": "CNY"}
        told = {"kind": "balance_reported", "balance": money, "balance_as_of": "2026-11-18"}
        return {"source": "core", "account_number": "D1", "reported_at": f"2026-11-19T{hour:02}:00:00Z", **told}

    opening = {**opened("D1"), "reported_at": "2026-11-19T01:00:00Z"}
    closing = {**opening, "kind": "closed", "closed_on": "2026-11-18"}
    again = {"source": "core", "account_number": "D1", "kind": "reopened", "reported_at": "2026-11-19T09:00:00Z"}
    items = [opening, balance(300, 7), balance(100, 5), balance(200, 6), balance(400, 8), again, closing]
    processor = Processor(PostgresInbox(database), "customer", SLICES.subscriptions(PARTS))
    records = [record("bank.inbound.accounts", "core|D1", "guanxi.account.reported.v1", data=item) for item in items]
    read = [Record("bank.inbound.accounts", 0, place, one.key, one.value, one.headers, 0) for place, one in enumerate(records)]
    for batch in (read[:3], read[3:], read):
        await processor.process(batch)
    async with database.transaction(readonly=True) as uow:
        [account] = await repository.list_accounts(uow, EVERYBODY, HOLDER, NOW)
        rows = await uow.driver.fetch("SELECT topic, payload FROM outbox WHERE topic = 'bank.accounts' ORDER BY sequence")
        assert await uow.driver.fetchval("SELECT count(*) FROM dead_letter") == 0
    events = [one for row in rows for one in unpack(row["topic"], row["payload"])]
    assert (account.balance_minor, account.closed_on, account.revision) == (400, None, 3)
    assert len({dict(one.headers)["ce_id"] for one in events}) == len(events) == 3
    assert [json.loads(one.value or b"")["revision"] for one in events] == [1, 2, 3]
