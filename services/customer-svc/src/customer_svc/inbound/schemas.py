"""Bodies of the list of refusals."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from guanxi_common.http.bodies import Answer

SourceFilter = Annotated[str | None, Query(max_length=64, pattern=r"^[\x21-\x7e]+$", description="Of this source only.")]
"""It becomes the subject of an audit entry."""


class InboundRejectionOut(Answer):
    """An item from Kafka that was not taken, and why. `external_id` is null for an item of `bank.inbound.accounts`.

    `topic` is null for a reversal that was taken or held, by HTTP or Kafka, and refused when a later item showed that it is wrong.
    """

    event_id: UUID
    topic: str | None
    source: str
    account_number: str
    external_id: str | None
    code: str
    detail: str
    received_at: datetime
