"""Facts about postings, keyed by our customer id."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.money import Money


class TransactionPosted(DomainEvent, type="guanxi.transaction.posted.v1", topic="bank.transactions", key="customer_id"):
    """A posting that counts. `money` is signed: a credit is positive. The event's id is `transaction_id`."""

    transaction_id: UUID
    customer_id: UUID
    account_id: UUID
    source: str
    external_id: str
    booked_on: date
    occurred_at: datetime | None
    money: Money
    code: str


class PostedData(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The data of `TransactionPosted` for the intake of whole batches: the same bytes for a tenth of the time (a test compares)."""

    transaction_id: str
    customer_id: str
    account_id: str
    source: str
    external_id: str
    booked_on: date
    occurred_at: datetime | None = None
    money: msgspec.Struct
    code: str


encode_data = msgspec.json.Encoder().encode


class TransactionReversed(DomainEvent, type="guanxi.transaction.reversed.v1", topic="bank.transactions", key="customer_id"):
    """A posting that no longer counts. `booked_on` is the reversal's own date; where a reversal booked earlier comes later, it is told
    too, and counts in the place of the first."""

    transaction_id: UUID
    reversal_id: UUID
    customer_id: UUID
    account_id: UUID
    booked_on: date
