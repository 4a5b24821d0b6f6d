"""Open complaints, acknowledge and resolve them, and open and end the duties that they bring."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.work import Work

from engagement_svc.complaints import errors, policy, repository
from engagement_svc.complaints.events import ComplaintAcknowledged, ComplaintOpened, ComplaintResolved
from engagement_svc.complaints.repository import Complaint
from engagement_svc.complaints.schemas import Acknowledgement, ComplaintRecord, Resolution
from engagement_svc.customers.repository import customer_is_visible
from engagement_svc.rules import Rules
from engagement_svc.tasks import repository as task_store
from engagement_svc.tasks import service as tasks
from engagement_svc.tasks.policy import Deed
from engagement_svc.tasks.service import TaskRequest

_REASONS: Final[Mapping[str, Text]] = {
    policy.ACKNOWLEDGEMENT: Text("Tell the customer that the complaint was received.", "请告知客户投诉已受理。"),
    policy.RESOLUTION: Text("Decide on the complaint and tell the customer.", "请作出投诉处理决定并告知客户。"),
}


async def open_complaint(work: Work, rules: Rules, told: ComplaintRecord) -> Complaint:
    """Store and tell it, and open its duties; from then on it holds selling. Raises `NotFound` for a customer out of scope."""
    if not await customer_is_visible(work.uow, work.scope, told.customer_id, work.now):
        raise NotFound
    complaint = Complaint(
        id=new_id(),
        customer_id=told.customer_id,
        category=told.category,
        severity=told.severity,
        channel=told.channel,
        content=told.content,
        opened_on=work.today,
        opened_by=work.person,
        recorded_at=work.now,
    )
    await repository.insert_complaint(work.uow, complaint)
    opened = ComplaintOpened(
        complaint_id=complaint.id,
        customer_id=complaint.customer_id,
        category=complaint.category,
        severity=complaint.severity,
        opened_on=complaint.opened_on,
    )
    await outbox.append(work.uow, opened)
    for duty in policy.DUTIES:
        await tasks.open_task(work, rules, _duty(complaint, duty))
    return complaint


async def acknowledge_complaint(work: Work, rules: Rules, complaint_id: UUID, told: Acknowledgement) -> Complaint:
    """Record that the customer was told, once. Raises as `resolve_complaint`, and `errors.ComplaintAcknowledged`."""
    complaint = await _lock_unresolved(work, complaint_id)
    if complaint.acknowledged_at is not None:
        raise errors.ComplaintAcknowledged(await _name(work.uow, complaint.acknowledged_by), complaint.acknowledged_at)
    acknowledged = replace(
        complaint,
        acknowledged_at=work.now,
        acknowledged_by=work.person,
        acknowledged_through=told.through,
        version=complaint.version + 1,
    )
    await repository.update_complaint(work.uow, acknowledged)
    event = ComplaintAcknowledged(complaint_id=complaint.id, customer_id=complaint.customer_id, acknowledged_on=work.today)
    await outbox.append(work.uow, event)
    await _end_duties(work, rules, complaint, policy.ACKNOWLEDGEMENT)
    return acknowledged


async def resolve_complaint(work: Work, rules: Rules, complaint_id: UUID, told: Resolution) -> Complaint:
    """Resolve it, once. Raises `NotFound`, `StaleVersion`, `errors.ComplaintResolved`."""
    complaint = await _lock_unresolved(work, complaint_id)
    resolved = replace(
        complaint,
        resolved_on=work.today,
        outcome=told.outcome,
        remedy=told.remedy,
        resolved_by=work.person,
        version=complaint.version + 1,
    )
    await repository.update_complaint(work.uow, resolved)
    event = ComplaintResolved(
        complaint_id=complaint.id, customer_id=complaint.customer_id, resolved_on=work.today, outcome=told.outcome
    )
    await outbox.append(work.uow, event)
    await _end_duties(work, rules, complaint, policy.RESOLUTION)
    return resolved


async def _lock_unresolved(work: Work, complaint_id: UUID) -> Complaint:
    complaint = await repository.read_complaint(work.uow, work.scope, complaint_id, work.now, lock=True)
    if complaint is None:
        raise NotFound
    work.check_version(complaint.version)
    if complaint.outcome is not None:
        raise errors.ComplaintResolved(complaint.outcome, await _name(work.uow, complaint.resolved_by), complaint.resolved_on)
    return complaint


async def _end_duties(work: Work, rules: Rules, complaint: Complaint, deed: str) -> None:
    evidence = Deed(deed, str(complaint.id), work.now, policy.answered_by(complaint.id))
    await tasks.end_tasks(work, rules, complaint.customer_id, evidence)


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
