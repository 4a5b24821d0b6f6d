"""Bodies of the list of refusals."""

from datetime import datetime
from uuid import UUID

from guanxi_common.http.bodies import Answer


class InboundRejectionOut(Answer):
    """An item from Kafka that was not taken, and why. `external_id` is null for an item of `bank.inbound.accounts`."""

    event_id: UUID
    topic: str
    source: str
    account_number: str
    external_id: str | None
    code: str
    detail: str
    received_at: datetime
