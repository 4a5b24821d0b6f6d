"""Facts about contacts. What was said stays in engagement-svc."""

from datetime import date, datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class InteractionRecorded(DomainEvent, type="guanxi.interaction.recorded.v1", topic="engagement.activities", key="customer_id"):
    interaction_id: UUID
    customer_id: UUID
    method: str
    direction: str
    purpose: str
    occurred_at: datetime
    booked_on: date
    result: str
    relationship_effect: str
    recorded_by: UUID
    late: bool
    completed_task_ids: list[UUID]
