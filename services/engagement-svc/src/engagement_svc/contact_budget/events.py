"""What becomes of a reservation without its owner."""

from datetime import date
from typing import Literal
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class ContactReservationExpired(
    DomainEvent, type="guanxi.contact_reservation.expired.v1", topic="engagement.activities", key="customer_id"
):
    """Nobody confirmed or released it while it held. `requested_by` is its owner; `expired_on` the first day after it."""

    reservation_id: UUID
    customer_id: UUID
    purpose: str
    channel: str
    requested_by: str
    expired_on: date


class ContactReservationCancelled(
    DomainEvent, type="guanxi.contact_reservation.cancelled.v1", topic="engagement.activities", key="customer_id"
):
    """It gave way to a contact that was made (`contact_limit`), or the customer withdrew the consent it needs (`no_consent`).

    `requested_by` is its owner; `on_day` the date for which it was set aside.
    """

    reservation_id: UUID
    customer_id: UUID
    purpose: str
    channel: str
    requested_by: str
    on_day: date
    because: Literal["contact_limit", "no_consent"]
