"""Bodies of the account intake and of the account list."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from guanxi_common.http.bodies import Answer
from guanxi_common.money import Money

from customer_svc.inbound.items import ExternalId, Token
from customer_svc.transactions.schemas import ItemError, MoneyIn

MAX_ITEMS = 5_000


class HolderReference(msgspec.Struct, forbid_unknown_fields=True):
    """The primary holder, as core banking numbers its customers."""

    source: Token
    customer_number: ExternalId


class AccountItem(msgspec.Struct, forbid_unknown_fields=True):
    """One thing that core banking says of an account.

    `opened` needs holder, product_code, currency and opened_on, and may tell `matures_on` of a deposit or a loan; reported again it
    replaces what was said of product, opening and maturity. `closed` needs closed_on; `reopened` takes a closing back; `balance_reported`
    needs balance and balance_as_of. `reported_at` is when core banking said it: of two reports the later counts, whichever comes first.
    Over HTTP it may be left out, and is the time of receipt then.
    """

    source: Token
    account_number: ExternalId
    kind: Literal["opened", "closed", "reopened", "balance_reported"]
    holder: HolderReference | None = None
    product_code: Token | None = None
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$(?!\n)")] | None = None
    opened_on: date | None = None
    matures_on: date | None = None
    closed_on: date | None = None
    balance: MoneyIn | None = None
    balance_as_of: date | None = None
    reported_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class AccountBatch(msgspec.Struct, forbid_unknown_fields=True):
    items: Annotated[list[AccountItem], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class AccountResult(msgspec.Struct, omit_defaults=True):
    """What became of item `index`. `outdated`: something later was reported of the account before; a balance of an earlier day than the
    latest is kept for its day all the same."""

    index: int
    status: Literal["created", "duplicate", "outdated", "rejected"]
    account_id: UUID | None = None
    error: ItemError | None = None


class AccountBatchResult(msgspec.Struct):
    items: list[AccountResult]
    released_postings: int = 0


class AccountOut(Answer):
    """An account as staff see it: the number stays with core banking. `balance` is the one last reported."""

    id: UUID
    product_code: str
    currency: str
    opened_on: date
    matures_on: date | None
    closed_on: date | None
    balance: Money | None
    balance_as_of: date | None
