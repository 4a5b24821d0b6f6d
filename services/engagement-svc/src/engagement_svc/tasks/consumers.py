"""A raised signal opens a follow-up task."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Text
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import Handler

from engagement_svc.standards import Standards
from engagement_svc.tasks import policy, service
from engagement_svc.tasks.service import TaskRequest

SIGNAL_RAISED = "guanxi.signal.raised.v1"


class _Reason(msgspec.Struct):
    code: str
    zh: str
    en: str


class _Signal(msgspec.Struct):
    """What the worklist reads of `signal.raised`."""

    signal_id: UUID
    customer_id: UUID
    kind: str
    severity: str
    historical: bool
    reason: _Reason
    evidence: dict[str, Any]


def open_tasks_for_signals(standards: Standards, calendar: BusinessCalendar, clock: Clock) -> Handler:
    """Make the handler of `scoring.signals`."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        for event in events:
            try:
                signal = msgspec.convert(event.data, _Signal)
            except msgspec.ValidationError as error:
                raise PermanentError("invalid_event", event.type, event_id=event.id) from error
            task_type = policy.task_type_for_signal(standards, signal.kind, historical=signal.historical)
            if task_type is None:
                continue
            request = TaskRequest(
                customer_id=signal.customer_id,
                task_type=task_type,
                origin=f"signal:{signal.signal_id}",
                reason_code=signal.reason.code,
                reason=Text(signal.reason.en, signal.reason.zh),
                evidence={"signal_id": str(signal.signal_id), **signal.evidence},
                severity=signal.severity,
                caused_by=event,
            )
            await service.open_task(uow, standards, calendar, request, clock.now())

    return handle
