"""Facts about accounts, keyed by our customer id."""

from datetime import date
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.money import Money


class AccountOpened(DomainEvent, type="guanxi.account.opened.v1", topic="bank.accounts", key="customer_id"):
    account_id: UUID
    customer_id: UUID
    source: str
    product_code: str
    currency: str
    opened_on: date
    matures_on: date | None = None


class AccountClosed(DomainEvent, type="guanxi.account.closed.v1", topic="bank.accounts", key="customer_id"):
    account_id: UUID
    customer_id: UUID
    closed_on: date


class AccountBalanceReported(DomainEvent, type="guanxi.account.balance_reported.v1", topic="bank.accounts", key="customer_id"):
    """The balance that core banking states for the end of `as_of`."""

    account_id: UUID
    customer_id: UUID
    as_of: date
    money: Money
