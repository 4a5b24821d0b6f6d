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


class InteractionCorrected(DomainEvent, type="guanxi.interaction.corrected.v1", topic="engagement.activities", key="customer_id"):
    """What is said of the contact from now on, whole; `interaction.recorded` was revision 1. The greatest revision counts."""

    interaction_id: UUID
    customer_id: UUID
    revision: int
    method: str
    direction: str
    purpose: str
    occurred_at: datetime
    booked_on: date
    result: str
    relationship_effect: str
    corrected_by: UUID
    late: bool
    completed_task_ids: list[UUID]
