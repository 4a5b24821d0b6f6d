"""A customer's activity as a caller sees it. Money in minor units of the currency beside it, both flows without a sign."""

from datetime import date, datetime
from uuid import UUID

from guanxi_common.http.bodies import Answer


class FiguresOut(Answer):
    """What the postings that count add up to. `active_days`: business dates with a posting; `last_on`: the last of them."""

    count: int
    inflow_minor: int
    outflow_minor: int
    active_days: int
    last_on: date


class ClassActivityOut(Answer):
    activity_class: str
    figures: FiguresOut


class ProductActivityOut(Answer):
    """`product_code` null: the accounts of which no product is known."""

    product_code: str | None
    total: FiguresOut
    by_class: list[ClassActivityOut]


class WindowActivityOut(Answer):
    """One currency within the `window_days` business dates from `first_day` to `as_of`, both included."""

    currency: str
    window_days: int
    first_day: date
    total: FiguresOut
    by_class: list[ClassActivityOut]
    by_product: list[ProductActivityOut]


class BalanceOut(Answer):
    """The balance at the end of `as_of` that scores and signals go by, of all accounts in the currency.

    `reported_accounts` of them begin where core banking said, for the business date `reported_on` last; what the others held before
    their first posting is not known and not in it. 0 and null: it is the sum of the postings.
    """

    currency: str
    balance_minor: int
    reported_accounts: int
    reported_on: date | None


class ActivityClassOut(Answer):
    """A class in words. `customer_initiated`: somebody decided on the day; interest, fees and standing orders are not."""

    code: str
    en: str
    zh: str
    customer_initiated: bool


class ActivityOut(Answer):
    """What a customer's postings add up to on the business date `as_of`, by what was known at `known_at`.

    A class, product, currency or window without a posting is left out; currencies are never added up. `classes` names the classes
    that occur; an entry keeps the class that its code had when it came.
    """

    customer_id: UUID
    as_of: date
    known_at: datetime
    balances: list[BalanceOut]
    classes: list[ActivityClassOut]
    windows: list[WindowActivityOut]
