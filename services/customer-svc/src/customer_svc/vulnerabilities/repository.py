"""The vulnerability table."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import insert, select, update

from customer_svc.vulnerabilities.tables import VulnerabilityRow

_vulnerability = table_of(VulnerabilityRow)


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """See `VulnerabilityRow`."""

    id: UUID
    customer_id: UUID
    kind: str
    evidence: str
    reason_sealed: bytes
    opened_on: date
    opened_by: str
    recorded_at: datetime
    review_on: date
    data_origin: str
    reviewed_on: date | None = None
    reviewed_by: str | None = None
    resolved_on: date | None = None
    resolved_by: str | None = None
    resolution_sealed: bytes | None = None
    version: int = 1


async def insert_vulnerability(uow: UnitOfWork, vulnerability: Vulnerability) -> None:
    """Store a new one; the transaction holds the customer's row locked."""
    await uow.execute(insert(_vulnerability).values(values_of(vulnerability)))


async def update_vulnerability(uow: UnitOfWork, vulnerability: Vulnerability) -> None:
    """Store a new state; the transaction holds the customer's row locked."""
    values = values_of(vulnerability, without="id")
    await uow.execute(update(_vulnerability).where(_vulnerability.c.id == vulnerability.id).values(values))


async def read_vulnerability(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, vulnerability_id: UUID, now: datetime
) -> Vulnerability | None:
    """One of a customer's; None where there is none such, or the customer is out of scope."""
    statement = select(_vulnerability).where(
        _vulnerability.c.id == vulnerability_id,
        _vulnerability.c.customer_id == customer_id,
        visible_customers(scope, _vulnerability.c.customer_id, now),
    )
    row = (await uow.execute(statement)).mappings().first()
    return read_as(Vulnerability, row) if row else None


async def list_vulnerabilities(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, *, past: tuple[date, UUID] | None, limit: int
) -> list[Vulnerability]:
    """All of a customer's, open or resolved, the latest first."""
    order = (_vulnerability.c.opened_on, _vulnerability.c.id)
    statement = (
        select(_vulnerability)
        .where(
            _vulnerability.c.customer_id == customer_id,
            visible_customers(scope, _vulnerability.c.customer_id, now),
            after(order, past, descending=True),
        )
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    return [read_as(Vulnerability, row) for row in (await uow.execute(statement)).mappings()]
