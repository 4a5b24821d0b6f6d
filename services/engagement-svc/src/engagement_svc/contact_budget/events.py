"""What becomes of a reservation without its owner."""

from datetime import date
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class ContactReservationExpired(
    DomainEvent, type="guanxi.contact_reservation.expired.v1", topic="engagement.activities", key="customer_id"
):
    """Nobody confirmed or released it before its period was over. `requested_by` is its owner; `expired_on` the first day after it."""

    reservation_id: UUID
    customer_id: UUID
    purpose: str
    channel: str
    requested_by: str
    expired_on: date
