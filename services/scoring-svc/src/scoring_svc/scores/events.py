"""Scores as the other services hear of them."""

from datetime import date, datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent

from scoring_svc.signals.events import SignalReason


class ScoreUpdated(DomainEvent, type="guanxi.score.updated.v1", topic="scoring.scores", key="customer_id"):
    """The band or the main reason has changed. `value_bp`: 0 to 10,000."""

    customer_id: UUID
    score: str
    band: str
    previous_band: str | None
    value_bp: int
    main_reason: SignalReason | None
    as_of: date
    known_at: datetime
    model_version: str
    bands_version: str
