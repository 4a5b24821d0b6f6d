"""Intake: 1,000 postings a batch, idempotent, into the API of customer-svc."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
from customer_svc.transactions import repository
from customer_svc.transactions.policy import account_id, account_id_text
from customer_svc.transactions.schemas import TransactionBatch
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.http.hot_bodies import HotDecoder
from guanxi_common.ids import new_id
from joserfc.jwk import KeySet

from tests.load import intake_peer, peers
from tests.load.measure import Contender, Row, row, take_turns
from tests.load.stand import Stand

BATCH, BATCHES, ACCOUNTS = 1_000, 10, 2_000
PEER_ORM = "FastAPI + ORM, doing the same (token, accounts, content, outbox)"
PEER_CORE = "FastAPI + Core, doing the same"
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
    accounts = await _open_accounts(stand)
    peer, prepare = intake_peer.create_intake(
        stand.url("peer"), KeySet.import_key_set(json.loads(stand.issuer.jwks_file.read_text()))
    )
    await prepare(accounts)
    plain = await asyncpg.connect(stand.url("customer"))
    await plain.execute("CREATE TABLE plain (LIKE posting INCLUDING DEFAULTS INCLUDING INDEXES)")
    database = Database(create_engine(stand.url("customer"), pool_size=1))
    decoder = HotDecoder(TransactionBatch)
    headers, now = stand.headers("core", "client"), datetime.now(UTC)

    def through(app: peers.App, path: str) -> Contender:
        async def work() -> int:
            for body in bodies():
                await peers.call(app, "POST", path, headers, body)
            return BATCH * BATCHES

        return work

    async def copy() -> int:
        for body in bodies():
            items = decoder.decode(body).items
            ids = [account_id_text(item.source, item.account_number) for item in items]
            rows = [(id_, *_record(item), now) for id_, item in zip(ids, items, strict=True)]
            await plain.copy_records_to_table("plain", records=rows, columns=_COLUMNS)
        return BATCH * BATCHES

    async def insert() -> int:
        """Our idempotent insert, alone, from the same bodies."""
        for body in bodies():
            items = decoder.decode(body).items
            ids = [account_id_text(item.source, item.account_number) for item in items]
            async with database.transaction() as uow:
                assert await repository.copy_new_postings(uow, items, ids, now)
                await uow.commit()
        return BATCH * BATCHES

    async def parse() -> int:
        for body in bodies():
            decoder.decode(body)
        return BATCH * BATCHES

    contenders = {
        "ours": through(stand.customer, "/v1/transactions:batchCreate"),
        PEER_ORM: through(peer, "/orm"),
        PEER_CORE: through(peer, "/core"),
        "insert": insert,
        "plain COPY": copy,
        "validated parse": parse,
    }
    figures = await take_turns(contenders)
    await plain.close()
    await database.dispose()
    unit = "postings/s"
    return [
        row("Intake over HTTP, 1,000 a batch", figures, PEER_ORM, unit, 5),
        row("Intake over HTTP, 1,000 a batch", figures, PEER_CORE, unit, 2),
        row("Idempotent insert alone, 1,000 a batch, parsing included", figures, "plain COPY", unit, 0.8, ours="insert"),
        row("Intake over HTTP, parse and plain COPY", figures, "plain COPY", unit, None),
        row("Intake over HTTP, parse alone", figures, "validated parse", unit, None),
    ]


_COLUMNS = (
    "account_id", "state", "account_number", "external_id", "source", "booked_on", "amount_minor", "currency", "code", "recorded_at",
)  # fmt: skip


def _record(item: Any) -> tuple[Any, ...]:
    return (
        "posted", item.account_number, item.external_id, item.source, item.booked_on, item.money.amount, item.money.currency, item.code,
    )  # fmt: skip


async def _open_accounts(stand: Stand) -> list[tuple[str, UUID]]:
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
    return [(f"A{n}", holders[n % 200]) for n in range(ACCOUNTS)]
