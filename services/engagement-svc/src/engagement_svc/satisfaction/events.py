"""The fact of an answer. What the customer added in words stays in engagement-svc."""

from datetime import date
from typing import Annotated
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent
from pydantic import Field


class SurveyAnswered(DomainEvent, type="guanxi.survey.answered.v1", topic="engagement.activities", key="customer_id"):
    answer_id: UUID
    customer_id: UUID
    satisfaction: Annotated[int, Field(ge=1, le=5)]
    nps: Annotated[int, Field(ge=0, le=10)] | None = None
    answered_on: date
    asked_about: str
