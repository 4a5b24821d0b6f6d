"""What operators send and get."""

import base64
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from guanxi_common.http.bodies import Body
from guanxi_common.messaging.dead_letters.pauses import PauseRow
from guanxi_common.messaging.dead_letters.repository import BlockedKeyRow, LetterContent, LetterRow, ParkedRow

MAX_DEAD_LETTER_LIMIT = 100_000

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class DeadLetterOut(BaseModel):
    """A record that a consumer could not apply."""

    id: UUID
    consumer: str = Field(description="The consumer group.")
    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: UUID | None
    type: str | None
    version: int | None
    reason: str = Field(description="A stable code.")
    error: str
    attempts: int
    failed_at: datetime
    replay_requested_at: datetime | None
    resolved_at: datetime | None
    resolution: str | None = Field(description="`replayed` or `skipped`; null while open.")
    resolved_by: str | None

    @classmethod
    def of(cls, row: LetterRow) -> Self:
        return cls(**_fields_of(row))


class DeadLetterDetail(DeadLetterOut):
    """With the record's content. Personal data is in it at most sealed."""

    headers: dict[str, str]
    value: str | None = Field(description="The record's value in base64.")

    @classmethod
    def with_content(cls, row: LetterRow, content: LetterContent) -> Self:
        headers = {name: value.decode(errors="replace") for name, value in content.headers}
        value = None if content.value is None else base64.b64encode(content.value).decode()
        return cls(**_fields_of(row), headers=headers, value=value)


class ParkedEventOut(BaseModel):
    """An event that waits."""

    id: int
    consumer: str
    topic: str
    key: str
    event_id: UUID
    type: str
    version: int | None
    epoch: int = Field(description="The owner's epoch; `version` counts within it.")
    reason: str = Field(description="`gap`: a version before it is missing. `behind`: behind a dead letter of its key.")
    parked_at: datetime

    @classmethod
    def of(cls, row: ParkedRow) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class GapRequest(Body):
    """The aggregate whose missing versions are given up."""

    consumer: Name
    topic: Name
    key: Name


class GapAccepted(BaseModel):
    """The consumer goes on from `next_version`."""

    next_version: int


class BlockedKeyOut(BaseModel):
    """A key that is not published because the broker refuses its next record."""

    topic: str
    key: str
    outbox_row: int
    error: str
    blocked_at: datetime

    @classmethod
    def of(cls, row: BlockedKeyRow) -> Self:
        return cls(topic=row.topic, key=row.key, outbox_row=row.sequence, error=row.error, blocked_at=row.blocked_at)


class BlockedKeyRequest(Body):
    """A blocked key."""

    topic: Name
    key: Name


class PausedPartitionOut(BaseModel):
    """A partition that a consumer does not read: it had made as many dead letters within an hour as its limit allows."""

    consumer: str = Field(description="The consumer group.")
    topic: str
    partition: int
    since: datetime
    reason: str = Field(description="A stable code.")
    limit: int = Field(description="How many dead letters the partition may have open that were made within an hour.")
    position: int | None = Field(description="The first offset that was not read.")
    open_letters: int

    @classmethod
    def of(cls, row: PauseRow) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class PartitionRequest(Body):
    """A paused partition."""

    consumer: Name
    topic: Name
    partition: int = Field(ge=0, le=100_000)


class ResumeRequest(PartitionRequest):
    """A paused partition, and the limit that it gets for the next hour; without one, the limit that it had."""

    limit: int | None = Field(default=None, ge=1, le=MAX_DEAD_LETTER_LIMIT)


def _fields_of(row: LetterRow) -> dict[str, object]:
    fields = {name: getattr(row, name) for name in LetterRow.__slots__}
    fields["replay_requested_at"] = fields.pop("requested_at")
    return fields
