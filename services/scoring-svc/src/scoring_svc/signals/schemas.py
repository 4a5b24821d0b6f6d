"""A signal as a caller sees it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.http.bodies import Answer


class SignalOut(Answer):
    """A raised signal. `evidence` holds the figures compared (minor units and days) and the ids of the entries."""

    signal_id: UUID
    customer_id: UUID
    kind: str
    severity: str
    business_date: date
    historical: bool
    reason_en: str
    reason_zh: str
    evidence: dict[str, Any]
    raised_at: datetime
