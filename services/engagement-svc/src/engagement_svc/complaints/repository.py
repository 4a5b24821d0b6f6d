"""The complaint table."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import insert, select, update

from engagement_svc.complaints.tables import ComplaintRow
from engagement_svc.standards import SalesHold

_complaint = table_of(ComplaintRow)


@dataclass(frozen=True, slots=True)
class Complaint:
    """See `ComplaintRow`."""

    id: UUID
    customer_id: UUID
    category: str
    severity: str
    channel: str
    content: str
    opened_on: date
    opened_by: UUID
    recorded_at: datetime
    resolved_on: date | None = None
    outcome: str | None = None
    remedy: str | None = None
    resolved_by: UUID | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: UUID | None = None
    acknowledged_through: str | None = None
    version: int = 1


async def insert_complaint(uow: UnitOfWork, complaint: Complaint) -> None:
    """Store a complaint of a customer whose scope was checked."""
    await uow.execute(insert(_complaint).values(values_of(complaint)))


async def read_complaint(
    uow: UnitOfWork, scope: RowScope, complaint_id: UUID, now: datetime, *, lock: bool = False
) -> Complaint | None:
    statement = select(_complaint).where(_complaint.c.id == complaint_id, visible_customers(scope, _complaint.c.customer_id, now))
    row = (await uow.execute(statement.with_for_update() if lock else statement)).mappings().first()
    return read_as(Complaint, row) if row else None


async def update_complaint(uow: UnitOfWork, complaint: Complaint) -> None:
    """Store the new state of a complaint that the transaction holds locked."""
    await uow.execute(update(_complaint).where(_complaint.c.id == complaint.id).values(values_of(complaint, without="id")))


async def holds_selling(uow: UnitOfWork, customer_id: UUID, hold: SalesHold) -> bool:
    """Whether the customer has an open complaint that stops selling."""
    held: bool = await uow.driver.fetchval(
        "SELECT EXISTS (SELECT FROM complaint WHERE customer_id = $1 AND outcome IS NULL"
        " AND (severity = ANY($2::text[]) OR category = ANY($3::text[])))",
        customer_id,
        list(hold.severities),
        list(hold.categories),
    )
    return held
