"""C9: a batch of nothing but new postings is kept by one COPY and told as any other; whatever it meets, each posting counts once."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from customer_svc.transactions import policy, service
from customer_svc.transactions.events import TransactionPosted
from customer_svc.transactions.schemas import ItemResult, MoneyIn, TransactionItem
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database
from guanxi_common.messaging.bus import Outgoing
from guanxi_common.messaging.outbox.rows import shard_of, unpack
from guanxi_common.money import Money
from guanxi_common.work import Work

pytestmark = pytest.mark.anyio

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
HOLDERS = [UUID(int=number) for number in range(1, 4)]


def posting(number: int, amount: int = -100, *, account: str | None = None, **known: Any) -> TransactionItem:
    fields: dict[str, Any] = {"code": "card", "booked_on": date(2026, 11, 19), **known}
    return TransactionItem("core", account or f"A{number % 3}", f"T{number}", money=MoneyIn(amount, "CNY"), **fields)


async def post(database: Database, items: list[TransactionItem]) -> list[ItemResult]:
    async with database.transaction() as uow:
        result = await service.post_transactions(Work.of_system(uow, "intake", NOW, CALENDAR), items)
        await uow.commit()
    return result.items


async def told(database: Database) -> list[tuple[int, Outgoing]]:
    """Every record of the outbox, with its row's shard."""
    async with database.transaction(readonly=True) as uow:
        rows = await uow.driver.fetch("SELECT shard, topic, payload, event_count FROM outbox ORDER BY sequence")
    unpacked = [(row["shard"], unpack(row["topic"], row["payload"]), row["event_count"]) for row in rows]
    assert all(len(records) == count for _, records, count in unpacked)
    return [(shard, record) for shard, records, _ in unpacked for record in records]


def expected(item: TransactionItem) -> bytes:
    """What the event class writes."""
    assert item.money is not None
    account = policy.account_id(item.source, item.account_number)
    event = TransactionPosted(
        transaction_id=policy.transaction_id(item.source, item.account_number, item.external_id),
        customer_id=HOLDERS[int(item.account_number[1:])],
        account_id=account,
        source=item.source,
        external_id=item.external_id,
        booked_on=item.booked_on,
        occurred_at=item.occurred_at,
        money=Money(amount=item.money.amount, currency=item.money.currency),
        code=item.code,
    )
    return msgspec.json.encode(event.model_dump(mode="json", exclude_none=True))


async def test_what_a_batch_tells_is_what_the_event_class_writes(database: Database) -> None:
    items = [
        posting(0, occurred_at=datetime(2026, 11, 19, 10, 30, 1, 5, tzinfo=UTC)),
        posting(1, 10**15, code='a "quoted" \\ 工资'),
        *(posting(number) for number in range(2, 40)),
    ]
    results = await post(database, items)
    assert [result.status for result in results] == ["created"] * len(items)
    records = await told(database)
    assert Counter(record.value for _, record in records) == Counter(expected(item) for item in items)
    for shard, record in records:
        data, headers = msgspec.json.decode(record.value or b""), dict(record.headers)
        assert shard == shard_of(record.key)
        assert record.key.decode() == data["customer_id"]
        assert headers["ce_id"].decode() == data["transaction_id"]
        assert headers["ce_type"] == b"guanxi.transaction.posted.v1"
        assert headers["ce_source"] == b"/customer-svc"
    assert [result.transaction_id for result in results] == [
        str(policy.transaction_id(item.source, item.account_number, item.external_id)) for item in items
    ]


async def test_a_batch_sent_again_with_one_more_and_one_changed(database: Database) -> None:
    await post(database, [posting(number) for number in range(10)])
    again = [*(posting(number) for number in range(9)), posting(9, -999), posting(10), posting(11, account="unknown")]
    results = await post(database, again)
    assert [result.status for result in results] == ["duplicate"] * 9 + ["rejected", "created", "parked"]
    assert results[9].error is not None
    assert results[9].error.code == "content_differs"
    assert len(await told(database)) == 11


async def test_one_key_twice_in_a_batch_counts_once(database: Database) -> None:
    results = await post(database, [posting(1), posting(2), posting(1)])
    assert [result.status for result in results] == ["created", "created", "duplicate"]
    assert len(await told(database)) == 2


async def test_batches_that_overlap_and_race_keep_each_posting_once(database: Database) -> None:
    batches = [[posting(number) for number in range(start, start + 60)] for start in range(0, 140, 20)]
    batches += [list(reversed(batch)) for batch in batches]
    answers = await asyncio.gather(*(post(database, batch) for batch in batches))
    statuses = Counter(
        (item.external_id, result.status)
        for batch, results in zip(batches, answers, strict=True)
        for item, result in zip(batch, results, strict=True)
    )
    keys = {item.external_id for batch in batches for item in batch}
    assert all(statuses[key, "created"] == 1 for key in keys)
    assert {status for _, status in statuses} == {"created", "duplicate"}
    records = await told(database)
    assert len(records) == len({dict(record.headers)["ce_id"] for _, record in records}) == len(keys)
