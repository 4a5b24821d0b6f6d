"""What becomes of an action, as scoring-svc learns from it."""

from datetime import date
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class ActionAccepted(DomainEvent, type="guanxi.action.accepted.v1", topic="engagement.activities", key="customer_id"):
    """Somebody has it on the list."""

    action_id: UUID
    customer_id: UUID
    task_id: UUID


class ActionDeclined(DomainEvent, type="guanxi.action.declined.v1", topic="engagement.activities", key="customer_id"):
    """It is not done. `declined_by`: the member of staff, None where a rule declined it."""

    action_id: UUID
    customer_id: UUID
    reason: str
    declined_by: UUID | None


class ActionConcluded(DomainEvent, type="guanxi.action.concluded.v1", topic="engagement.activities", key="customer_id"):
    """What came of it: success, neutral, negative or expired. `interaction_id` is the contact that ended it."""

    action_id: UUID
    customer_id: UUID
    task_id: UUID
    outcome: str
    interaction_id: UUID | None
    concluded_on: date


class ActionReopened(DomainEvent, type="guanxi.action.reopened.v1", topic="engagement.activities", key="customer_id"):
    """The contact that had concluded it was corrected: its outcome is none any more, and somebody has it on the list."""

    action_id: UUID
    customer_id: UUID
    task_id: UUID
