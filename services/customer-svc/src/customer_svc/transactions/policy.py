"""Pure rules of the intake: what a batch stores, and what became of each item, given what the database already held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from guanxi_common.errors import Text
from guanxi_common.ids import derived_id, derived_id_text
from guanxi_common.instants import is_bounded
from guanxi_common.money import MINOR_DIGITS
from guanxi_common.security.principal import RowScope

from customer_svc.transactions.schemas import TransactionItem
from customer_svc.transactions.tables import PostingState

Key = tuple[UUID, str]

EARLIEST_BOOKING = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Posting:
    """One row of the posting table."""

    account_id: UUID
    external_id: str
    state: PostingState
    source: str
    account_number: str
    booked_on: date | None = None
    occurred_at: datetime | None = None
    amount_minor: int | None = None
    currency: str | None = None
    code: str | None = None
    reverses: str | None = None
    reversed_by: str | None = None

    @property
    def key(self) -> Key:
        return (self.account_id, self.external_id)

    @property
    def transaction_id(self) -> UUID:
        return transaction_id(self.source, self.account_number, self.external_id)

    def says_the_same_as(self, other: "Posting") -> bool:
        """Whether core banking told the same thing twice (state aside)."""
        return (
            self.booked_on == other.booked_on
            and self.occurred_at == other.occurred_at
            and self.amount_minor == other.amount_minor
            and self.currency == other.currency
            and self.code == other.code
            and self.reverses == other.reverses
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item is not taken; the batch goes on without it."""

    code: str
    detail: Text


CONTENT_DIFFERS = Refusal("content_differs", Text("The same id was posted with other content.", "相同流水号的内容不一致。"))
ALREADY_REVERSED = Refusal("already_reversed", Text("The original has been reversed before.", "原交易已被冲正。"))
NOT_A_POSTING = Refusal(
    "reverses_a_reversal", Text("A reversal cannot be reversed; post it anew.", "冲正交易不能再冲正，请重新入账。")
)
MONEY_OR_REVERSES = Refusal("money_or_reverses", Text("Give either money or reverses.", "money 与 reverses 必须且只能填一项。"))
UNKNOWN_CURRENCY = Refusal("unknown_currency", Text("Not an ISO 4217 currency.", "不是 ISO 4217 货币代码。"))
SOURCE_NOT_YOURS = Refusal("source_not_yours", Text("You do not report for this source.", "该来源不属于此客户端。"))
IMPLAUSIBLE_DATE = Refusal("implausible_date", Text("booked_on is out of range.", "booked_on 超出范围。"))
IMPLAUSIBLE_TIME = Refusal("implausible_time", Text("occurred_at is out of range.", "occurred_at 超出范围。"))


# A posting's id is needed for its event and for the answer, an account's for every posting: hashing them again is a tenth of the path.
@lru_cache(maxsize=50_000)
def account_id(source: str, account_number: str) -> UUID:
    return derived_id("account", source, account_number)


@lru_cache(maxsize=50_000)
def account_id_text(source: str, account_number: str) -> str:
    return derived_id_text("account", source, account_number)


@lru_cache(maxsize=10_000)
def transaction_id(source: str, account_number: str, external_id: str) -> UUID:
    return derived_id("transaction", source, account_number, external_id)


def check_item(item: TransactionItem, today: date, scope: RowScope) -> Refusal | None:
    """What the schema cannot say. Bookings may be dated up to a year ahead (value-dated orders)."""
    if not scope.speaks_for(item.source):
        return SOURCE_NOT_YOURS
    if (item.money is None) == (item.reverses is None) or item.reverses == item.external_id:
        return MONEY_OR_REVERSES
    if item.money is not None and item.money.currency not in MINOR_DIGITS:
        return UNKNOWN_CURRENCY
    if item.occurred_at is not None and not is_bounded(item.occurred_at):
        return IMPLAUSIBLE_TIME
    return None if _is_plausible(item.booked_on, today) else IMPLAUSIBLE_DATE


def _is_plausible(booked_on: date, today: date) -> bool:
    return booked_on >= EARLIEST_BOOKING and (booked_on - today).days <= 366


@dataclass(frozen=True, slots=True)
class PlainBatch:
    """A batch that needs no settling where its accounts are known and its keys are new. Ids as text, in the order of the items."""

    accounts: list[str]
    transactions: list[str]


def plain_batch(items: Sequence[TransactionItem], today: date, scope: RowScope) -> PlainBatch | None:
    """The ids of a batch of nothing but postings that pass `check_item`, each key once; None for any other."""
    if any(item.money is None or item.reverses is not None for item in items):
        return None
    if not all(scope.speaks_for(source) for source in {item.source for item in items}):
        return None
    if not {item.money.currency for item in items if item.money} <= MINOR_DIGITS.keys():
        return None
    if not all(_is_plausible(booked_on, today) for booked_on in {item.booked_on for item in items}):
        return None
    if not all(item.occurred_at is None or is_bounded(item.occurred_at) for item in items):
        return None
    accounts = [account_id_text(item.source, item.account_number) for item in items]
    if len({(account, item.external_id) for account, item in zip(accounts, items, strict=True)}) < len(items):
        return None
    transactions = [derived_id_text("transaction", item.source, item.account_number, item.external_id) for item in items]
    return PlainBatch(accounts, transactions)


def to_posting(item: TransactionItem, account: UUID, *, account_known: bool) -> Posting:
    """The row that an item asks for, as if its key were new."""
    state = PostingState.POSTED if account_known else PostingState.PARKED
    return Posting(
        account_id=account,
        external_id=item.external_id,
        state=PostingState.REVERSAL if item.reverses is not None else state,
        source=item.source,
        account_number=item.account_number,
        booked_on=item.booked_on,
        occurred_at=item.occurred_at,
        amount_minor=item.money.amount if item.money else None,
        currency=item.money.currency if item.money else None,
        code=item.code if item.money else None,
        reverses=item.reverses,
    )


def placeholder_for(reversal: Posting) -> Posting:
    """The `awaited` row that a reversal leaves under its original's key."""
    assert reversal.reverses is not None  # noqa: S101  # callers pass reversals only
    return Posting(
        account_id=reversal.account_id,
        external_id=reversal.reverses,
        state=PostingState.AWAITED,
        source=reversal.source,
        account_number=reversal.account_number,
        reversed_by=reversal.external_id,
    )


@dataclass(slots=True)
class Outcome:
    """What became of one item: `status` for the caller, and whether there is something new to publish."""

    status: str
    posting: Posting | None = None
    refusal: Refusal | None = None


@dataclass(slots=True)
class Settlement:
    """The whole batch settled: outcomes in the order of the items, rows to update or delete, what to publish in order."""

    outcomes: list[Outcome]
    updates: dict[Key, Posting]
    deletions: list[Key]
    posted: list[Posting]
    reversed: list[tuple[Posting, Posting]]  # (original, reversal)


def settle(
    asked: Sequence[Posting | Refusal],
    inserted: set[Key],
    existing: Mapping[Key, Posting],
    known_accounts: Mapping[UUID, UUID],
) -> Settlement:
    """Decide a batch.

    `inserted` are the keys that this transaction created (placeholders included), `existing` the rows that were there before and are
    now locked, with the reversals of those that are awaited. The items are taken in order, each seeing what those before it did.
    """
    settlement = Settlement([], {}, [], [], [])
    rows: dict[Key, Posting] = dict(existing)
    for posting in asked:
        if isinstance(posting, Refusal):
            settlement.outcomes.append(Outcome("rejected", refusal=posting))
        elif posting.reverses is not None:
            _settle_reversal(posting, settlement, rows, inserted, known_accounts)
        else:
            _settle_posting(posting, settlement, rows, known_accounts)
    return settlement


def _settle_posting(posting: Posting, settlement: Settlement, rows: dict[Key, Posting], known: Mapping[UUID, UUID]) -> None:
    before = rows.get(posting.key)
    if before is None:
        rows[posting.key] = posting
        if posting.state is PostingState.POSTED:
            settlement.posted.append(posting)
        settlement.outcomes.append(Outcome("created" if posting.state is PostingState.POSTED else "parked", posting))
    elif before.state is PostingState.AWAITED:
        state = PostingState.REVERSED if posting.account_id in known else PostingState.PARKED
        filled = replace(posting, state=state, reversed_by=before.reversed_by)
        rows[posting.key] = settlement.updates[posting.key] = filled
        if state is PostingState.REVERSED:
            settlement.posted.append(filled)
            settlement.reversed.append((filled, rows[(posting.account_id, before.reversed_by or "")]))
        settlement.outcomes.append(Outcome("created" if state is PostingState.REVERSED else "parked", filled))
    elif before.says_the_same_as(posting):
        settlement.outcomes.append(Outcome("duplicate", before))
    else:
        settlement.outcomes.append(Outcome("rejected", refusal=CONTENT_DIFFERS))


def _settle_reversal(
    reversal: Posting,
    settlement: Settlement,
    rows: dict[Key, Posting],
    inserted: set[Key],
    known: Mapping[UUID, UUID],
) -> None:
    before = rows.get(reversal.key)
    if before is not None:
        same = before.says_the_same_as(reversal)
        settlement.outcomes.append(
            Outcome("duplicate", before) if same else Outcome("rejected", refusal=CONTENT_DIFFERS),
        )
        return
    original_key = (reversal.account_id, reversal.reverses or "")
    original = rows.get(original_key) or placeholder_for(reversal)  # the original may come later in this very batch
    refusal = _why_not_reversible(original, reversal)
    if refusal is not None:
        if reversal.key in inserted:
            settlement.deletions.append(reversal.key)
        settlement.outcomes.append(Outcome("rejected", refusal=refusal))
        return
    rows[reversal.key] = reversal
    if original.state is PostingState.AWAITED:
        rows[original_key] = original
        settlement.outcomes.append(Outcome("held", reversal))
        return
    state = PostingState.REVERSED if original.account_id in known else PostingState.PARKED
    done = replace(original, state=state, reversed_by=reversal.external_id)
    rows[original_key] = settlement.updates[original_key] = done
    if state is PostingState.REVERSED:
        settlement.reversed.append((done, reversal))
    settlement.outcomes.append(Outcome("created" if state is PostingState.REVERSED else "parked", reversal))


def _why_not_reversible(original: Posting, reversal: Posting) -> Refusal | None:
    if original.state is PostingState.REVERSAL:
        return NOT_A_POSTING
    if original.reversed_by is not None and original.reversed_by != reversal.external_id:
        return ALREADY_REVERSED
    return None


def release(parked: Sequence[Posting], reversals: Mapping[Key, Posting]) -> Settlement:
    """Settle the parked postings of an account that has just become known; `reversals` are those that name one of them."""
    settlement = Settlement([], {}, [], [], [])
    for posting in parked:
        reversal = reversals.get((posting.account_id, posting.reversed_by)) if posting.reversed_by else None
        released = replace(posting, state=PostingState.REVERSED if reversal else PostingState.POSTED)
        settlement.updates[posting.key] = released
        settlement.posted.append(released)
        if reversal:
            settlement.reversed.append((released, reversal))
    return settlement
