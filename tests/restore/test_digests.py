"""Digests between the services: silent under load with reversals and erasures, and one row that is missing or wrong is told."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from customer_svc.reconciliations.schemas import DayTotal, ReconciliationRequest, ReconciliationResult
from customer_svc.reconciliations.service import reconcile
from customer_svc.transactions.schemas import TransactionItem
from customer_svc.transactions.service import post_transactions
from guanxi_common.digests.policy import bucket_of
from guanxi_testing.databases import TestServer
from guanxi_testing.eventually import eventually

from tests.restore.stand import DAY, Stand, fresh_databases, open_stand

pytestmark = pytest.mark.anyio

COMPARED = {
    "engagement.customer.agreements",
    "engagement.customer.books",
    "engagement.customer.files",
    "engagement.directory",
    "scoring.bank.transactions",
    "scoring.customer.agreements",
    "scoring.customer.books",
    "scoring.customer.classifications",
    "scoring.customer.files",
    "scoring.directory",
}


def agreeing() -> dict[str, list[int]]:
    return {compared: [] for compared in COMPARED}


async def reverse(stand: Stand, number: str, reference: int) -> None:
    item = TransactionItem("core", number, f"R-{reference}", DAY, reverses=f"T-{reference}")
    async with stand.databases["customer"].transaction() as uow:
        await post_transactions(stand.work(uow), [item])
        await uow.commit()


async def work_until(stop: asyncio.Event, stand: Stand, customer: UUID) -> None:
    """Late postings on a day that counts, every third of them reversed."""
    while not stop.is_set():
        reference = stand.totals[customer][0]
        await stand.post("100", customer, [reference])
        if reference % 3 == 0:
            await reverse(stand, "100", reference)


async def ask(stand: Stand, day: date) -> ReconciliationResult:
    request = ReconciliationRequest(source="core", days=[DayTotal(booked_on=day, currency="CNY", count=1, sum=1)])
    async with stand.databases["customer"].transaction(readonly=True) as uow:
        return await reconcile(stand.work(uow), request)


async def damage(stand: Stand, service: str, statement: str, customer: UUID) -> None:
    async with stand.databases[service].transaction() as uow:
        assert await uow.driver.execute(statement, customer) in ("DELETE 1", "UPDATE 1")
        await uow.commit()


async def test_d20_a_day_of_load_is_silent_and_one_row_is_told(postgres: TestServer, tmp_path: Path) -> None:
    async with fresh_databases(postgres) as urls, open_stand(urls, tmp_path) as stand:
        busy, victim, gone = [await stand.register(number) for number in ("100", "200", "300")]
        await stand.post("200", victim, range(5))
        await stand.post("300", gone, range(5))
        await stand.close_account("300")
        assert (await ask(stand, DAY)).ledger.status == "not_compared_yet"
        stop = asyncio.Event()
        working = asyncio.create_task(work_until(stop, stand, busy))
        for number in ("400", "500", "600"):
            assert await stand.compare_digests() == agreeing()
            await stand.register(number)
            if number == "500":
                await stand.erase(gone)
        stop.set()
        await working
        assert await stand.compare_digests() == agreeing()
        await eventually(lambda: _ledger_is(stand, "agrees"), timeout=60)

        await damage(
            stand,
            "scoring",
            "DELETE FROM ledger_entry WHERE ctid = (SELECT min(ctid) FROM ledger_entry WHERE customer_id = $1)",
            victim,
        )
        await damage(stand, "engagement", "UPDATE customer SET version = version + 1 WHERE customer_id = $1", victim)
        assert await stand.compare_digests() == agreeing()
        told = [bucket_of(str(victim))]
        assert await stand.compare_digests() == {
            **agreeing(), "scoring.bank.transactions": told, "engagement.customer.files": told,
        }  # fmt: skip
        await eventually(lambda: _ledger_is(stand, "differs"), timeout=60)


async def _ledger_is(stand: Stand, status: str) -> bool:
    """As reconciliation says it: of the day, of the whole, and nothing of today, which was not compared."""
    past, today = await ask(stand, DAY), await ask(stand, stand.parts.calendar.local_date(datetime.now(UTC)))
    return (past.ledger.status, past.days[0].ledger, today.days[0].ledger) == (status, status, "not_compared_yet")
