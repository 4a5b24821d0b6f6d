"""What the three services hold, read from their databases, in the form of the reference."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from guanxi_common.ids import derived_id
from guanxi_testing.deployment import RunningDeployment

from tests.reference.berka_reference import AccountTotals, Totals

Sum = tuple[int, int, str]
"""Count, sum in minor units, last business date: of postings in force."""

_POSTINGS = """
SELECT account_number, count(*), sum(amount_minor)::bigint, max(booked_on) FROM posting
WHERE source = $1 AND state = 'posted' GROUP BY 1
"""
_LEDGER = """
SELECT account_id, count(*), sum(amount_minor)::bigint, max(booked_on) FROM ledger_entry AS entry
WHERE NOT EXISTS (SELECT FROM ledger_reversal AS undone WHERE undone.customer_id = entry.customer_id AND undone.entry_id = entry.entry_id)
GROUP BY 1
"""
_DAYS = """
SELECT customer_id, activity_class, sum(entries)::bigint, sum(credit_minor + debit_minor)::bigint, max(booked_on)
FROM daily_activity GROUP BY 1, 2
"""
_LEFT_OVER = """
SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS unpublished, (SELECT count(*) FROM dead_letter) AS dead,
    (SELECT count(*) FROM inbox_parked) AS parked
"""


@dataclass(frozen=True)
class Books:
    """The three databases. `customers` maps account numbers to customer ids; every customer has one account."""

    customer: "asyncpg.Connection[Any]"
    engagement: "asyncpg.Connection[Any]"
    scoring: "asyncpg.Connection[Any]"
    source: str
    customers: Mapping[str, str]

    async def postings(self) -> dict[str, Sum]:
        return {row[0]: _sum(row[1:]) for row in await self.customer.fetch(_POSTINGS, self.source)}

    async def ledger(self) -> dict[str, Sum]:
        numbers = {derived_id("account", self.source, number): number for number in self.customers}
        return {numbers[row[0]]: _sum(row[1:]) for row in await self.scoring.fetch(_LEDGER)}

    async def daily_activity(self) -> dict[tuple[str, str], Sum]:
        """By account and activity class."""
        numbers = {customer_id: number for number, customer_id in self.customers.items()}
        return {(numbers[str(row[0])], row[1]): _sum(row[2:]) for row in await self.scoring.fetch(_DAYS)}

    async def signals(self) -> list[str]:
        """The signals that a task must answer: all that are not historical."""
        rows = await self.scoring.fetch("SELECT signal_id FROM signal WHERE NOT historical")
        return sorted(str(row[0]) for row in rows)

    async def tasks(self) -> list[str]:
        """The signals that tasks answer, one entry a task."""
        rows = await self.engagement.fetch(
            "SELECT evidence -> 'signal_ids' ->> 0 FROM task WHERE evidence -> 'action' ->> 'kind' IN ('retention', 'service')"
            " AND evidence -> 'signal_ids' ->> 0 IS NOT NULL"
        )
        return sorted(row[0] for row in rows)

    async def left_over(self) -> dict[str, int]:
        """What has not got through, of all services: unpublished, dead and parked events, and customers to be scored."""
        rows = [await database.fetchrow(_LEFT_OVER) for database in (self.customer, self.engagement, self.scoring)]
        left = {name: sum(row[name] for row in rows) for name in ("unpublished", "dead", "parked")}
        return left | {"dirty": await self.scoring.fetchval("SELECT count(*) FROM dirty_customer")}


def expected(totals: Mapping[tuple[str, str], AccountTotals]) -> tuple[dict[str, Sum], dict[tuple[str, str], Sum]]:
    """The reference's totals by account, and by account and activity class, of those with a posting in force: the databases have no
    row for an account whose postings were all reversed."""
    by_account = {number: _total(account) for (_, number), account in totals.items() if account.count}
    by_class = {
        (number, name): _total(part)
        for (_, number), account in totals.items()
        for name, part in account.by_class.items()
        if part.count
    }
    return by_account, by_class


def _total(totals: Totals) -> Sum:
    return totals.count, totals.sum_minor, totals.last_booked_on


def _sum(row: Any) -> Sum:
    count, total, last = row
    return count, total, last.isoformat()


@asynccontextmanager
async def open_books(deployment: RunningDeployment, source: str, customers: Mapping[str, str]) -> AsyncIterator[Books]:
    async with AsyncExitStack() as stack:

        async def connect(service: str) -> "asyncpg.Connection[Any]":
            connection = await asyncpg.connect(deployment.database_url(service))
            stack.push_async_callback(connection.close)
            return connection

        yield Books(await connect("customer"), await connect("engagement"), await connect("scoring"), source, customers)
