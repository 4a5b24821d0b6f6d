"""Facts about accounts, keyed by our customer id.

`revision` rises with each fact of an account. Of what an account is, whether it is closed, and what it held on a day, the fact of the
greatest revision stands; they may come in any order.
"""

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
    revision: int


class AccountClosed(DomainEvent, type="guanxi.account.closed.v1", topic="bank.accounts", key="customer_id"):
    account_id: UUID
    customer_id: UUID
    closed_on: date
    revision: int


class AccountReopened(DomainEvent, type="guanxi.account.reopened.v1", topic="bank.accounts", key="customer_id"):
    """The closing that was reported holds no longer."""

    account_id: UUID
    customer_id: UUID
    revision: int


class AccountBalanceReported(DomainEvent, type="guanxi.account.balance_reported.v1", topic="bank.accounts", key="customer_id"):
    """The balance that core banking states for the end of `as_of`."""

    account_id: UUID
    customer_id: UUID
    as_of: date
    money: Money
    revision: int
