"""Open complaints and resolve them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.security.principal import RowScope

from engagement_svc.complaints import errors, repository
from engagement_svc.complaints.events import ComplaintOpened, ComplaintResolved
from engagement_svc.complaints.repository import Complaint
from engagement_svc.complaints.schemas import ComplaintRecord, Resolution
from engagement_svc.customers.repository import customer_is_visible


async def open_complaint(
    uow: UnitOfWork, scope: RowScope, calendar: BusinessCalendar, told: ComplaintRecord, opened_by: UUID, now: datetime
) -> Complaint:
    """Store and tell it; from then on it holds selling. Raises `NotFound` for a customer out of scope."""
    if not await customer_is_visible(uow, scope, told.customer_id, now):
        raise NotFound
    complaint = Complaint(
        id=new_id(),
        customer_id=told.customer_id,
        category=told.category,
        severity=told.severity,
        channel=told.channel,
        content=told.content,
        opened_on=calendar.local_date(now),
        opened_by=opened_by,
        recorded_at=now,
    )
    await repository.insert_complaint(uow, complaint)
    opened = ComplaintOpened(
        complaint_id=complaint.id,
        customer_id=complaint.customer_id,
        category=complaint.category,
        severity=complaint.severity,
        opened_on=complaint.opened_on,
    )
    await outbox.append(uow, opened)
    return complaint


async def resolve_complaint(
    uow: UnitOfWork,
    scope: RowScope,
    calendar: BusinessCalendar,
    complaint_id: UUID,
    told: Resolution,
    resolved_by: UUID,
    now: datetime,
    check_version: Callable[[int], None],
) -> Complaint:
    """Resolve it, once. Raises `NotFound`, `StaleVersion` by `check_version`, `errors.ComplaintResolved`."""
    complaint = await repository.read_complaint(uow, scope, complaint_id, now, lock=True)
    if complaint is None:
        raise NotFound
    check_version(complaint.version)
    if complaint.outcome is not None:
        raise errors.ComplaintResolved
    today = calendar.local_date(now)
    resolved = replace(
        complaint,
        resolved_on=today,
        outcome=told.outcome,
        remedy=told.remedy,
        resolved_by=resolved_by,
        version=complaint.version + 1,
    )
    await repository.update_complaint(uow, resolved)
    told_of = ComplaintResolved(
        complaint_id=complaint.id, customer_id=complaint.customer_id, resolved_on=today, outcome=told.outcome
    )
    await outbox.append(uow, told_of)
    return resolved
