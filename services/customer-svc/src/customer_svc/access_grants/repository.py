"""The table of grants."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import Opened, RowScope
from sqlalchemy import insert, select, update

from customer_svc.access_grants.tables import AccessGrantRow

_grant = table_of(AccessGrantRow)
_PERSON_LOCK = 0x67_72_61_6E


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """See `AccessGrantRow`."""

    id: UUID
    customer_id: UUID
    staff_id: UUID
    reason_sealed: bytes
    granted_at: datetime
    ends_at: datetime
    reviewed_at: datetime | None = None
    reviewed_by: UUID | None = None
    verdict: str | None = None


async def lock_person(uow: UnitOfWork, staff_id: UUID) -> None:
    """One grant at a time for a person, so that none of two goes over the limit."""
    await uow.driver.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _PERSON_LOCK, str(staff_id))


async def read_opened(uow: UnitOfWork, staff_id: UUID, now: datetime | None = None) -> tuple[Opened, ...]:
    """The customers that are open to the person at `now`, by default the database's."""
    rows = await uow.driver.fetch(
        "SELECT customer_id, ends_at FROM access_grant WHERE staff_id = $1 AND ends_at > coalesce($2::timestamptz, now())"
        " ORDER BY ends_at",
        staff_id,
        now,
    )
    return tuple(Opened(UUID(int=row["customer_id"].int), row["ends_at"]) for row in rows)


async def insert_grant(uow: UnitOfWork, grant: AccessGrant) -> None:
    await uow.execute(insert(_grant).values(values_of(grant)))


async def lock_grant(uow: UnitOfWork, scope: RowScope, grant_id: UUID, now: datetime) -> AccessGrant | None:
    """The grant, its row locked; None where there is none, or its customer is out of scope."""
    within = visible_customers(scope, _grant.c.customer_id, now)
    row = (await uow.execute(select(_grant).where(_grant.c.id == grant_id, within).with_for_update())).mappings().first()
    return read_as(AccessGrant, row) if row else None


async def update_grant(uow: UnitOfWork, grant: AccessGrant) -> None:
    await uow.execute(update(_grant).where(_grant.c.id == grant.id).values(values_of(grant, without="id")))


async def list_grants(
    uow: UnitOfWork, scope: RowScope, now: datetime, *, pending: bool, past: tuple[datetime, UUID] | None, limit: int
) -> list[AccessGrant]:
    """The accesses to customers in scope, the latest first; `pending`: only those without a review."""
    order = (_grant.c.granted_at, _grant.c.id)
    statement = (
        select(_grant)
        .where(visible_customers(scope, _grant.c.customer_id, now), after(order, past, descending=True))
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    if pending:
        statement = statement.where(_grant.c.reviewed_at.is_(None))
    return [read_as(AccessGrant, row) for row in (await uow.execute(statement)).mappings()]


async def read_oldest_pending(uow: UnitOfWork) -> datetime | None:
    """When the longest waiting access was opened; None where all are reviewed."""
    oldest: datetime | None = await uow.driver.fetchval("SELECT min(granted_at) FROM access_grant WHERE reviewed_at IS NULL")
    return oldest
