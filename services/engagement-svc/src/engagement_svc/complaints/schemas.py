"""Bodies of the complaint operations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from guanxi_common.http.bodies import SPOKEN, Answer, Body
from guanxi_contracts import vocabularies
from pydantic import Field


class Category(StrEnum):
    """What it is about."""

    SERVICE = "service"
    STAFF = "staff"
    PRODUCT = "product"
    FEES = "fees"
    ERROR = "error"
    CHANNEL = "channel"
    OTHER = "other"


class Severity(StrEnum):
    MINOR = "minor"
    SERIOUS = "serious"
    CRITICAL = "critical"


class Channel(StrEnum):
    BRANCH = "branch"
    PHONE = "phone"
    MESSAGE = "message"
    LETTER = "letter"
    AUTHORITY = "authority"


class Outcome(StrEnum):
    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ComplaintRecord(Body):
    """A complaint, as it was made."""

    customer_id: UUID
    category: Category
    severity: Severity
    channel: Channel
    content: Annotated[str, Field(min_length=1, max_length=10_000, description="What the customer said."), SPOKEN]


class Resolution(Body):
    outcome: Outcome
    remedy: Annotated[str, Field(min_length=1, max_length=5_000, description="What was done about it."), SPOKEN]


class Acknowledgement(Body):
    """The customer has been told that the complaint was received. It counts from the moment of this record."""

    through: vocabularies.Channel


class ComplaintOut(Answer):
    """A complaint; open while `resolved_on` is null."""

    id: UUID
    customer_id: UUID
    category: str
    severity: str
    channel: str
    content: str
    opened_on: date
    opened_by: UUID
    recorded_at: datetime
    resolved_on: date | None
    outcome: str | None
    remedy: str | None
    resolved_by: UUID | None
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    acknowledged_through: str | None
    version: int
