"""Bodies of an erasure."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from pydantic import Field


class ErasureRequest(Body):
    """On what ground. A text would be sealed under the key that is destroyed, so there is none."""

    basis: Annotated[
        Literal["customer_request", "retention_over", "registered_in_error"],
        Field(
            description="The customer asked for it; the bank's retention period is over; the file should never have been opened."
        ),
    ]


class ErasureOut(Answer):
    customer_id: UUID
    erased_at: datetime
