"""A digest that was compared."""

from datetime import date, datetime
from typing import Annotated

from guanxi_common.messaging.envelope import DomainEvent
from pydantic import Field


class DigestCompared(DomainEvent, type="guanxi.digest.compared.v1", topic="scoring.digests", key="digested"):
    digested: str
    taken_at: datetime
    until: date
    compared_at: datetime
    differing: list[Annotated[int, Field(ge=0, le=255)]]
