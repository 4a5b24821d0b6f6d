"""A version as the services keep it."""

from datetime import datetime
from typing import Annotated, Any

from guanxi_common.messaging.envelope import DomainEvent
from pydantic import Field


class StandardSnapshot(DomainEvent, type="guanxi.standard.snapshot.v1", topic="directory.snapshots", key="entity_key"):
    """A version in full. It never changes, so the aggregate's version is always 1."""

    kind: Annotated[str, Field(min_length=1, max_length=64)]
    number: Annotated[int, Field(ge=1, le=2**31 - 1)]
    body: dict[str, Any]
    author: str
    reason: str
    approved_by: str | None = None
    approved_at: datetime
    effective_at: datetime

    @property
    def key(self) -> str:
        return f"standard:{self.kind}:{self.number}"
