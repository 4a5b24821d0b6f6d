"""The replica of customers."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from uuid import UUID

import msgspec
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Version

from scoring_svc.customers.policy import CustomerFacts

_COLUMNS = ("customer_id", "customer_type", "birth_date", "known_since")


async def apply_customers(uow: UnitOfWork, customers: Sequence[tuple[CustomerFacts, Version]]) -> None:
    """Insert, or replace unless the replica is newer; `known_since` stays what it was first."""
    await uow.driver.executemany(
        "INSERT INTO customer_facts AS kept (customer_id, epoch, version, customer_type, birth_date, known_since, detail)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (customer_id) DO UPDATE SET epoch = EXCLUDED.epoch,"
        " version = EXCLUDED.version, customer_type = EXCLUDED.customer_type, birth_date = EXCLUDED.birth_date,"
        " detail = EXCLUDED.detail WHERE (kept.epoch, kept.version) <= (EXCLUDED.epoch, EXCLUDED.version)",
        [
            (facts.customer_id, *version, facts.customer_type, facts.birth_date, facts.known_since, _detail(facts))
            for facts, version in customers
        ],
    )


def _detail(facts: CustomerFacts) -> str:
    told = {name: value for name, value in asdict(facts).items() if name not in _COLUMNS}
    return json.dumps(told, default=date.isoformat, ensure_ascii=False)


async def read_facts(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, CustomerFacts]:
    rows = await uow.driver.fetch(
        "SELECT customer_id, customer_type, birth_date, known_since, detail FROM customer_facts"
        " WHERE customer_id = ANY($1::uuid[])",
        list(customer_ids),
    )
    return {
        row["customer_id"]: msgspec.convert(
            {**row["detail"], **{name: row[name] for name in _COLUMNS}, "customer_id": str(row["customer_id"])},
            CustomerFacts,
        )
        for row in rows
    }
