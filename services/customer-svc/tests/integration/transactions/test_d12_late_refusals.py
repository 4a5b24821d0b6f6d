"""D12: a wrong reversal is refused whenever it shows, in the database and under races as in the rules (unit/transactions)."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from customer_svc.inbound.repository import list_rejections
from customer_svc.reconciliations.repository import day_totals, held_reversals
from customer_svc.transactions import service
from customer_svc.transactions.schemas import ItemResult, MoneyIn, TransactionItem
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.security.principal import SYSTEM_SCOPE
from guanxi_common.work import Work

pytestmark = pytest.mark.anyio

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
DAY = date(2026, 11, 19)


def posting(name: str, amount: int) -> TransactionItem:
    return TransactionItem("core", "A0", name, DAY, money=MoneyIn(amount, "CNY"))


def reversal(name: str, of: str, day: date = DAY) -> TransactionItem:
    return TransactionItem("core", "A0", name, day, reverses=of)


async def post(database: Database, *items: TransactionItem) -> list[ItemResult]:
    async with database.transaction() as uow:
        result = await service.post_transactions(Work.of_system(uow, "intake", NOW, CALENDAR), items)
        await uow.commit()
    return result.items


async def told(database: Database) -> list[str]:
    async with database.transaction(readonly=True) as uow:
        rows = await uow.driver.fetch("SELECT topic, payload FROM outbox ORDER BY sequence")
    return [dict(one.headers)["ce_type"].decode() for row in rows for one in unpack(row["topic"], row["payload"])]


async def test_d12_a_reversal_of_a_reversal_comes_first_and_is_refused_at_last(database: Database) -> None:
    answers = [await post(database, item) for item in (reversal("RR", "R"), posting("X", -700), reversal("R", "X"))]
    assert [result.status for [result] in answers] == ["held", "created", "created"]
    assert await told(database) == ["guanxi.transaction.posted.v1", "guanxi.transaction.reversed.v1"]
    async with database.transaction(readonly=True) as uow:
        totals = await day_totals(uow, "core", [DAY])
        [refused] = await list_rejections(uow, SYSTEM_SCOPE, source="core", past=None, limit=5)
        assert await held_reversals(uow, "core", [DAY]) == 0
    assert [(total.count, total.sum) for total in totals.values()] == [(2, 0)]
    assert (refused.external_id, refused.code, refused.topic) == ("RR", "reverses_a_reversal", None)
    [again] = await post(database, reversal("RR", "R"))
    assert again.error is not None
    assert again.error.code == "reverses_a_reversal"


async def test_d12_raced_in_batches_of_their_own_the_first_booked_counts(database: Database) -> None:
    """Each race on keys of its own; whoever comes first, X is reversed once, by R1, and RR by nobody."""
    for race in range(6):
        items = [
            posting(f"X{race}", 100),
            reversal(f"R1{race}", f"X{race}"),
            reversal(f"R2{race}", f"X{race}", date(2026, 11, 20)),
            reversal(f"RR{race}", f"R1{race}"),
            reversal(f"RRR{race}", f"RR{race}"),
        ]
        await asyncio.gather(*(post(database, item) for item in [*items[race % 3 :], *items[: race % 3]]))
    async with database.transaction(readonly=True) as uow:
        rows = await uow.driver.fetch("SELECT left(external_id, -1) AS name, state, left(reversed_by, -1) AS by FROM posting")
    assert {tuple(row) for row in rows} == {
        ("X", "reversed", "R1"),
        ("R1", "reversal", None),
        ("R2", "refused", None),
        ("RR", "refused", None),
        ("RRR", "refused", None),
    }
    assert len(rows) == 30
