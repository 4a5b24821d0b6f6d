"""Open complaints, acknowledge and resolve them, and open and end the duties that they bring."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.security.principal import RowScope

from engagement_svc.complaints import errors, policy, repository
from engagement_svc.complaints.events import ComplaintAcknowledged, ComplaintOpened, ComplaintResolved
from engagement_svc.complaints.repository import Complaint
from engagement_svc.complaints.schemas import Acknowledgement, ComplaintRecord, Resolution
from engagement_svc.customers.repository import customer_is_visible
from engagement_svc.standards import Standards
from engagement_svc.tasks import repository as task_store
from engagement_svc.tasks import service as tasks
from engagement_svc.tasks.policy import Deed
from engagement_svc.tasks.service import TaskRequest

_REASONS: Final[Mapping[str, Text]] = {
    policy.ACKNOWLEDGEMENT: Text("Tell the customer that the complaint was received.", "请告知客户投诉已受理。"),
    policy.RESOLUTION: Text("Decide on the complaint and tell the customer.", "请作出投诉处理决定并告知客户。"),
}


async def open_complaint(
    uow: UnitOfWork,
    scope: RowScope,
    standards: Standards,
    calendar: BusinessCalendar,
    told: ComplaintRecord,
    opened_by: UUID,
    now: datetime,
) -> Complaint:
    """Store and tell it, and open its duties; from then on it holds selling. Raises `NotFound` for a customer out of scope."""
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
    for duty in policy.DUTIES:
        await tasks.open_task(uow, standards, calendar, _duty(complaint, duty), now)
    return complaint


async def acknowledge_complaint(
    uow: UnitOfWork,
    scope: RowScope,
    standards: Standards,
    calendar: BusinessCalendar,
    complaint_id: UUID,
    told: Acknowledgement,
    acknowledged_by: UUID,
    now: datetime,
    check_version: Callable[[int], None],
) -> Complaint:
    """Record that the customer was told, once. Raises as `resolve_complaint`, and `errors.ComplaintAcknowledged`."""
    complaint = await _lock_unresolved(uow, scope, complaint_id, now, check_version)
    if complaint.acknowledged_at is not None:
        raise errors.ComplaintAcknowledged(await _name(uow, complaint.acknowledged_by), complaint.acknowledged_at)
    acknowledged = replace(
        complaint,
        acknowledged_at=now,
        acknowledged_by=acknowledged_by,
        acknowledged_through=told.through,
        version=complaint.version + 1,
    )
    await repository.update_complaint(uow, acknowledged)
    event = ComplaintAcknowledged(
        complaint_id=complaint.id, customer_id=complaint.customer_id, acknowledged_on=calendar.local_date(now)
    )
    await outbox.append(uow, event)
    await _end_duties(uow, scope, standards, complaint, policy.ACKNOWLEDGEMENT, now)
    return acknowledged


async def resolve_complaint(
    uow: UnitOfWork,
    scope: RowScope,
    standards: Standards,
    calendar: BusinessCalendar,
    complaint_id: UUID,
    told: Resolution,
    resolved_by: UUID,
    now: datetime,
    check_version: Callable[[int], None],
) -> Complaint:
    """Resolve it, once. Raises `NotFound`, `StaleVersion` by `check_version`, `errors.ComplaintResolved`."""
    complaint = await _lock_unresolved(uow, scope, complaint_id, now, check_version)
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
    event = ComplaintResolved(
        complaint_id=complaint.id, customer_id=complaint.customer_id, resolved_on=today, outcome=told.outcome
    )
    await outbox.append(uow, event)
    await _end_duties(uow, scope, standards, complaint, policy.RESOLUTION, now)
    return resolved


async def _lock_unresolved(
    uow: UnitOfWork, scope: RowScope, complaint_id: UUID, now: datetime, check_version: Callable[[int], None]
) -> Complaint:
    complaint = await repository.read_complaint(uow, scope, complaint_id, now, lock=True)
    if complaint is None:
        raise NotFound
    check_version(complaint.version)
    if complaint.outcome is not None:
        raise errors.ComplaintResolved(complaint.outcome, await _name(uow, complaint.resolved_by), complaint.resolved_on)
    return complaint


async def _end_duties(
    uow: UnitOfWork, scope: RowScope, standards: Standards, complaint: Complaint, deed: str, now: datetime
) -> None:
    evidence = Deed(deed, str(complaint.id), now, policy.answered_by(complaint.id))
    await tasks.end_tasks(uow, scope, standards, complaint.customer_id, evidence, now)


async def _name(uow: UnitOfWork, staff_id: UUID | None) -> str:
    return (staff_id and await task_store.staff_name(uow, staff_id)) or str(staff_id)


def _duty(complaint: Complaint, duty: str) -> TaskRequest:
    return TaskRequest(
        customer_id=complaint.customer_id,
        task_type=duty,
        origin=policy.origin_of(complaint.id, duty),
        reason_code=duty,
        reason=_REASONS[duty],
        evidence={"complaint_id": str(complaint.id), "category": complaint.category, "severity": complaint.severity},
    )
