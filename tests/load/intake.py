"""Intake: 1,000 postings a batch, idempotent, into the API of customer-svc."""

from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
from customer_svc.transactions.policy import account_id
from customer_svc.transactions.schemas import TransactionBatch
from guanxi_common.http.hot_bodies import HotDecoder
from guanxi_common.ids import new_id

from tests.load import peers
from tests.load.measure import Row, row, take_turns
from tests.load.stand import Stand

BATCH, BATCHES, ACCOUNTS = 1_000, 10, 2_000
_numbers = count()


def bodies() -> Iterator[bytes]:
    """Batches of postings that nobody has posted before."""
    today = date.today().isoformat()  # noqa: DTZ011  # any recent date will do
    for _ in range(BATCHES):
        items = [
            {
                "source": "core",
                "account_number": f"A{number % ACCOUNTS}",
                "external_id": f"T{number}",
                "booked_on": today,
                "money": {"amount": -1_250 - number % 977, "currency": "CNY"},
                "code": "card",
            }
            for number in (next(_numbers) for _ in range(BATCH))
        ]
        yield msgspec.json.encode({"items": items})


async def measure(stand: Stand) -> list[Row]:
    await _open_accounts(stand)
    peer, prepare = peers.create_peer(stand.url("peer"))
    await prepare()
    plain = await asyncpg.connect(stand.url("peer"))
    await plain.execute(
        "CREATE TABLE plain (account_number text, external_id text, source text, booked_on date, amount bigint, currency text, code text)"
    )
    decoder = HotDecoder(TransactionBatch)
    headers = stand.headers("core", "client")

    async def ours() -> int:
        for body in bodies():
            await peers.call(stand.customer, "POST", "/v1/transactions:batchCreate", headers, body)
        return BATCH * BATCHES

    async def orm() -> int:
        for body in bodies():
            await peers.call(peer, "POST", "/orm", headers, body)
        return BATCH * BATCHES

    async def core() -> int:
        for body in bodies():
            await peers.call(peer, "POST", "/core", headers, body)
        return BATCH * BATCHES

    async def copy() -> int:
        for body in bodies():
            await plain.copy_records_to_table("plain", records=[_record(item) for item in decoder.decode(body).items])
        return BATCH * BATCHES

    async def parse() -> int:
        for body in bodies():
            decoder.decode(body)
        return BATCH * BATCHES

    figures = await take_turns({"ours": ours, "ORM": orm, "Core": core, "plain COPY": copy, "validated parse": parse})
    await plain.close()
    unit = "postings/s"
    return [
        row("Intake over HTTP, 1,000 a batch", figures, "ORM", unit, 5),
        row("Intake over HTTP, 1,000 a batch", figures, "Core", unit, 2),
        row("Intake over HTTP, parse and plain COPY", figures, "plain COPY", unit, None),
        row("Intake over HTTP, parse alone", figures, "validated parse", unit, None),
    ]


def _record(item: Any) -> tuple[Any, ...]:
    return (
        item.account_number, item.external_id, item.source, item.booked_on, item.money.amount, item.money.currency, item.code,
    )  # fmt: skip


async def _open_accounts(stand: Stand) -> None:
    """One holder for all accounts is enough: the path does not depend on it, and the outbox has its sixteen shards by customer."""
    connection = await asyncpg.connect(stand.url("customer"))
    holders = [new_id() for _ in range(200)]
    await connection.executemany(
        "INSERT INTO customer (id, source, customer_number, customer_type, name, name_terms, language, outlet_id, data_origin, version,"
        " created_at, updated_at) VALUES ($1, 'core', $2, 'individual', 'x', '{}', 'en', $3, 'generated', 1, now(), now())",
        [(holder, uuid4().hex, stand.outlet) for holder in holders],
    )
    await connection.executemany(
        "INSERT INTO account (id, source, account_number, customer_id, product_code, currency, opened_on)"
        " VALUES ($1, 'core', $2, $3, 'current', 'CNY', '2020-01-01')",
        [(account_id("core", f"A{n}"), f"A{n}", holders[n % 200]) for n in range(ACCOUNTS)],
    )
    await connection.close()
