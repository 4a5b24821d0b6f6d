"""Bodies of the vulnerability operations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Prose
from pydantic import Field, StringConstraints

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,39}$")]


class Evidence(StrEnum):
    """Where the bank knows it from."""

    CUSTOMER = "customer"  # 客户告知
    OBSERVED = "observed"  # 员工观察
    RELATIVE = "relative"  # 亲属告知
    AUTHORITY = "authority"  # 有关部门
    DOCUMENT = "document"  # 书面材料


class VulnerabilityReport(Body):
    """What makes the customer vulnerable. `reason` is kept sealed."""

    kind: Kind
    evidence: Evidence
    reason: Annotated[Prose, Field(description="What was seen or said.")]
    review_on: Annotated[date, Field(description="When somebody looks again.")]
    data_origin: Literal["reported", "generated"] = "reported"


class VulnerabilityReview(Body):
    """It still stands, and is looked at again on `review_on`."""

    review_on: date


class VulnerabilityResolution(Body):
    """Why it no longer stands. `resolution` is kept sealed."""

    resolution: Prose


class VulnerabilityOut(Answer):
    """Open while `resolved_on` is null. `reason` and `resolution` are null without the permission `vulnerability.reason`."""

    id: UUID
    customer_id: UUID
    kind: str
    evidence: str
    reason: str | None
    opened_on: date
    opened_by: str
    recorded_at: datetime
    review_on: date
    reviewed_on: date | None
    reviewed_by: str | None
    resolved_on: date | None
    resolved_by: str | None
    resolution: str | None
    data_origin: str
    version: int
