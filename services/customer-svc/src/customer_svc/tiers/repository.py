"""The tables of tiers, and the assets by which customers are judged."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.money import saturated
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.directory.tables import BookAssignment
from guanxi_common.security.principal import RowScope
from guanxi_common.set_aside import not_set_aside_sql
from sqlalchemy import insert, or_, select

from customer_svc.tiers.policy import TierState
from customer_svc.tiers.tables import CustomerTierRow, TierChangeRow

_state = table_of(CustomerTierRow)
_change = table_of(TierChangeRow)
_book = table_of(BookAssignment)

QUEUE = "review-tier"
"""The name of the queue for operators."""
_TO_BE_TAKEN = f"(customer_id = ANY($2::uuid[]) OR ($2 IS NULL AND {not_set_aside_sql(QUEUE, 'customer_id', '$3')}))"


@dataclass(frozen=True, slots=True)
class TierChange:
    """See `TierChangeRow`."""

    id: UUID
    customer_id: UUID
    tier: str | None
    before: str | None
    effective_on: date
    assets: Mapping[str, int]
    standard_version: int
    recorded_at: datetime


async def take_due(uow: UnitOfWork, limit: int, now: datetime, only: Sequence[UUID] | None = None) -> list[UUID]:
    """Take customers whose assets have changed off the queue, or those of `only`, in the order of their ids; skips what others hold."""
    rows = await uow.driver.fetch(
        f"DELETE FROM tier_due WHERE customer_id IN (SELECT customer_id FROM tier_due WHERE {_TO_BE_TAKEN}"  # noqa: S608  # constants
        " ORDER BY since, customer_id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING customer_id",
        limit,
        only,
        now,
    )
    return sorted(row[0] for row in rows)


async def below_since(uow: UnitOfWork, day: date, limit: int, now: datetime, only: Sequence[UUID] | None = None) -> list[UUID]:
    """Customers, or those of `only`, who have been below their tier since that business date or longer, in the order of their ids."""
    rows = await uow.driver.fetch(
        f"SELECT customer_id FROM customer_tier WHERE below_since <= $4 AND {_TO_BE_TAKEN}"  # noqa: S608  # constants
        " ORDER BY below_since, customer_id LIMIT $1",
        limit,
        only,
        now,
        day,
    )
    return sorted(row[0] for row in rows)


async def read_assets(uow: UnitOfWork, customer_ids: Collection[UUID], today: date) -> dict[UUID, dict[str, int]]:
    """What core banking last reported of the customers' open accounts, in minor units by currency; what is overdrawn is left out."""
    rows = await uow.driver.fetch(
        "SELECT customer_id, currency, sum(balance_minor) FROM account WHERE customer_id = ANY($1::uuid[]) AND balance_minor > 0"
        " AND (closed_on IS NULL OR $2 < closed_on) GROUP BY customer_id, currency",
        list(customer_ids),
        today,
    )
    assets: dict[UUID, dict[str, int]] = {}
    for customer_id, currency, total in rows:
        assets.setdefault(customer_id, {})[currency] = saturated(int(total))
    return assets


async def customers_after(uow: UnitOfWork, scope: RowScope, now: datetime, cursor: UUID | None, limit: int) -> list[UUID]:
    """The next customers, in the order of their ids."""
    statement = select(_book.c.customer_id).where(
        _book.c.capacity == "primary_rm",
        _book.c.valid_from <= now,
        or_(_book.c.valid_to.is_(None), _book.c.valid_to > now),
        visible_customers(scope, _book.c.customer_id, now),
    )
    if cursor is not None:
        statement = statement.where(_book.c.customer_id > cursor)
    return list((await uow.execute(statement.order_by(_book.c.customer_id).limit(limit))).scalars())


async def read_state(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> TierState | None:
    statement = select(_state.c.tier, _state.c.since, _state.c.below_since).where(
        _state.c.customer_id == customer_id, visible_customers(scope, _state.c.customer_id, now)
    )
    row = (await uow.execute(statement)).mappings().first()
    return read_as(TierState, row) if row else None


async def lock_states(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, TierState | None]:
    """The states of the customers who are not erased, by id; None: never reviewed. No other review, and no erasure, until the end."""
    held = await uow.driver.fetch(
        "SELECT id FROM customer WHERE id = ANY($1::uuid[]) AND erased_at IS NULL ORDER BY id FOR KEY SHARE", list(customer_ids)
    )
    states: dict[UUID, TierState | None] = {row[0]: None for row in held}
    rows = await uow.driver.fetch(
        "SELECT customer_id, tier, since, below_since FROM customer_tier WHERE customer_id = ANY($1::uuid[])"
        " ORDER BY customer_id FOR UPDATE",
        list(states),
    )
    return states | {row[0]: TierState(row[1], row[2], row[3]) for row in rows}


async def store_states(uow: UnitOfWork, states: Mapping[UUID, TierState]) -> None:
    """Insert or replace; the states are locked."""
    await uow.driver.execute(
        "INSERT INTO customer_tier (customer_id, tier, since, below_since)"
        " SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[], $4::date[])"
        " ON CONFLICT (customer_id) DO UPDATE SET tier = EXCLUDED.tier, since = EXCLUDED.since, below_since = EXCLUDED.below_since",
        list(states),
        [state.tier for state in states.values()],
        [state.since for state in states.values()],
        [state.below_since for state in states.values()],
    )


async def insert_changes(uow: UnitOfWork, changes: Sequence[TierChange]) -> None:
    if changes:
        await uow.execute(insert(_change), [values_of(change) for change in changes])


async def list_changes(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, *, limit: int) -> list[TierChange]:
    """The latest changes of a customer, the last one first."""
    statement = (
        select(_change)
        .where(_change.c.customer_id == customer_id, visible_customers(scope, _change.c.customer_id, now))
        .order_by(_change.c.effective_on.desc(), _change.c.id.desc())
        .limit(limit)
    )
    return [read_as(TierChange, row) for row in (await uow.execute(statement)).mappings()]
