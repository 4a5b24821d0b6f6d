"""Bodies of break-glass."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Prose
from pydantic import Field

from customer_svc.access_grants.policy import MOST_HOURS, Verdict


class BreakGlass(Body):
    """Why the file must be read, and for how long. `reason` is kept sealed, for the review."""

    reason: Prose
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS)] = 1


class AccessReview(Body):
    """Whether the access was justified."""

    verdict: Verdict


class AccessGrantOut(Answer):
    """An access beyond somebody's rows. `reason` is null once the customer is erased."""

    id: UUID
    customer_id: UUID
    staff_id: UUID
    reason: str | None
    granted_at: datetime
    ends_at: datetime
    reviewed_at: datetime | None
    reviewed_by: UUID | None
    verdict: Verdict | None
