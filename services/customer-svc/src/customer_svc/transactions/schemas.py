"""Bodies of the intake. msgspec: this is the hot path (see `docs/benchmarks.md`)."""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from guanxi_common.http.bodies import Answer
from guanxi_common.money import POSTING_LIMIT

from customer_svc.inbound.items import INVALID_ITEM, ExternalId, Token, what_is_wrong

MAX_ITEMS = 5_000

Code = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\x00-\x1f]*$(?!\n)")]

IdText = Annotated[str, msgspec.Meta(extra_json_schema={"format": "uuid"})]


class MoneyIn(msgspec.Struct, forbid_unknown_fields=True):
    """Minor units of an ISO 4217 currency; a credit is positive."""

    amount: Annotated[int, msgspec.Meta(ge=-POSTING_LIMIT, le=POSTING_LIMIT)]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$(?!\n)")]


class TransactionItem(msgspec.Struct, forbid_unknown_fields=True):
    """One posting, or, with `reverses` and without `money`, the reversal of one."""

    source: Token
    account_number: ExternalId
    external_id: ExternalId
    booked_on: date
    money: MoneyIn | None = None
    code: Code = ""
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    reverses: ExternalId | None = None


class TransactionBatch(msgspec.Struct, forbid_unknown_fields=True):
    items: Annotated[list[TransactionItem], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class ItemError(msgspec.Struct, omit_defaults=True):
    code: str
    detail: str


def invalid_item(pointer: str) -> ItemError:
    """Of an item that does not fit its schema at `pointer`."""
    return ItemError(INVALID_ITEM, what_is_wrong(pointer))


class ItemResult(msgspec.Struct, omit_defaults=True):
    """What became of item `index`."""

    index: int
    status: Literal["created", "duplicate", "parked", "held", "rejected"]
    transaction_id: IdText | None = None
    error: ItemError | None = None


class BatchResult(msgspec.Struct):
    items: list[ItemResult]


class ParkedPosting(Answer):
    """A posting that waits for its account. `amount_minor` is signed, in minor units of `currency`."""

    source: str
    account_number: str
    external_id: str
    booked_on: date | None
    amount_minor: int | None
    currency: str | None
