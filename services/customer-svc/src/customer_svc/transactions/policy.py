"""Pure rules of the intake: what a batch stores, and what became of each item, given what the database already held."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from guanxi_common.currencies import in_use
from guanxi_common.errors import Text
from guanxi_common.ids import derived_id, derived_id_text
from guanxi_common.instants import is_bounded
from guanxi_common.security.principal import RowScope

from customer_svc.transactions.schemas import TransactionItem

Key = tuple[UUID, str]

EARLIEST_BOOKING = date(1900, 1, 1)


class PostingState(StrEnum):
    """What has become of a key."""

    POSTED = "posted"  # published
    PARKED = "parked"  # its account is unknown so far
    AWAITED = "awaited"  # only its reversal has come
    REVERSED = "reversed"  # published, and its reversal too
    REVERSAL = "reversal"  # is itself a reversal; `reverses` names the original
    REFUSED = "refused"  # a reversal that does not count; kept, since who names it is refused too, whichever came first


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
UNKNOWN_CURRENCY = Refusal(
    "unknown_currency", Text("Not an ISO 4217 currency in use on that day.", "不是当日有效的 ISO 4217 货币代码。")
)
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


def reversed_event_id(reversal: Posting) -> UUID:
    """The id of the event that a posting is reversed. An id whose reversal was refused may come again and name another posting."""
    return derived_id(
        "transaction.reversed", reversal.source, reversal.account_number, reversal.external_id, reversal.reverses or ""
    )


def refused_event_id(reversal: Posting) -> UUID:
    """Under which the late refusal of a reversal is kept."""
    return derived_id("reversal.refused", reversal.source, reversal.account_number, reversal.external_id, reversal.reverses or "")


def check_item(item: TransactionItem, today: date, scope: RowScope) -> Refusal | None:
    """What the schema cannot say. Bookings may be dated up to a year ahead (value-dated orders)."""
    if not scope.speaks_for(item.source):
        return SOURCE_NOT_YOURS
    if (item.money is None) == (item.reverses is None) or item.reverses == item.external_id:
        return MONEY_OR_REVERSES
    if item.money is not None and not in_use(item.money.currency, item.booked_on):
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
    if not all(in_use(*told) for told in {(item.money.currency, item.booked_on) for item in items if item.money}):
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


def rows_to_insert(asked: Iterable[Posting | Refusal]) -> dict[Key, Posting]:
    """The first row of each key, and a placeholder for each original that the batch does not itself contain."""
    postings = [posting for posting in asked if isinstance(posting, Posting)]
    rows: dict[Key, Posting] = {}
    for posting in postings:
        rows.setdefault(posting.key, posting)
    for posting in postings:
        if posting.reverses is not None:
            placeholder = placeholder_for(posting)
            rows.setdefault(placeholder.key, placeholder)
    return rows


@dataclass(slots=True)
class Outcome:
    """What became of one item: `status` for the caller, and whether there is something new to publish."""

    status: str
    posting: Posting | None = None
    refusal: Refusal | None = None


@dataclass(slots=True)
class Settlement:
    """The whole batch settled: outcomes in the order of the items, rows to update or delete, what to publish in order.

    `reversed` maps an original's key to it and to the reversal that counts. `refused_late` are reversals of earlier batches that were
    taken, or held, until this batch showed what is wrong with them.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    updates: dict[Key, Posting] = field(default_factory=dict)
    deletions: list[Key] = field(default_factory=list)
    posted: list[Posting] = field(default_factory=list)
    reversed: dict[Key, tuple[Posting, Posting]] = field(default_factory=dict)
    refused_late: list[tuple[Posting, Refusal]] = field(default_factory=list)


def settle(
    asked: Sequence[Posting | Refusal],
    inserted: Mapping[Key, Posting],
    existing: Mapping[Key, Posting],
    known_accounts: Mapping[UUID, UUID],
) -> Settlement:
    """Decide a batch.

    `inserted` are the rows that this transaction created (placeholders included), `existing` those that were there before and are now
    locked, with the reversals that they name. The items are taken in order, each seeing what those before it did; the rows come out
    the same in whatever order and batches the items come.
    """
    settling = _Settling(dict(existing), known_accounts, Settlement())
    for posting in asked:
        if isinstance(posting, Refusal):
            settling.answer(Outcome("rejected", refusal=posting))
        elif posting.reverses is not None:
            settling.reversal(posting)
        else:
            settling.posting(posting)
    stored = {**inserted, **existing}
    settlement = settling.settlement
    settlement.updates = {key: row for key, row in settling.rows.items() if stored.get(key) != row}
    settlement.deletions = [key for key in inserted if key not in settling.rows]
    return settlement


@dataclass(slots=True)
class _Settling:
    """A batch on its way: the rows as the items so far leave them."""

    rows: dict[Key, Posting]
    known: Mapping[UUID, UUID]
    settlement: Settlement

    def answer(self, outcome: Outcome) -> None:
        self.settlement.outcomes.append(outcome)

    def posting(self, posting: Posting) -> None:
        before = self.rows.get(posting.key)
        if before is None or before.state is PostingState.REFUSED:
            self.rows[posting.key] = posting
            if posting.state is PostingState.POSTED:
                self.settlement.posted.append(posting)
            self.answer(Outcome("created" if posting.state is PostingState.POSTED else "parked", posting))
        elif before.state is PostingState.AWAITED:
            self.answer(self._arrives_reversed(posting, before))
        elif before.says_the_same_as(posting):
            self.answer(Outcome("duplicate", before))
        else:
            self.answer(Outcome("rejected", refusal=CONTENT_DIFFERS))

    def _arrives_reversed(self, posting: Posting, awaited: Posting) -> Outcome:
        state = PostingState.REVERSED if posting.account_id in self.known else PostingState.PARKED
        filled = self.rows[posting.key] = replace(posting, state=state, reversed_by=awaited.reversed_by)
        if state is PostingState.PARKED:
            return Outcome("parked", filled)
        self.settlement.posted.append(filled)
        self.settlement.reversed[filled.key] = (filled, self._reversal_of(filled))
        return Outcome("created", filled)

    def reversal(self, reversal: Posting) -> None:
        before = self.rows.get(reversal.key)
        if before is not None and before.state is PostingState.AWAITED:
            self._refuse_late(self._reversal_of(before), NOT_A_POSTING)
        elif before is not None and before.says_the_same_as(reversal):
            if before.state is not PostingState.REFUSED:
                return self.answer(Outcome("duplicate", before))
        elif before is not None and before.state is not PostingState.REFUSED:
            return self.answer(Outcome("rejected", refusal=CONTENT_DIFFERS))
        original_key = (reversal.account_id, reversal.reverses or "")
        original = self.rows.get(original_key) or placeholder_for(reversal)  # the original may come later in this very batch
        refusal = self._why_not_reversible(original, reversal)
        if refusal is not None:
            self.rows[reversal.key] = replace(reversal, state=PostingState.REFUSED)
            return self.answer(Outcome("rejected", refusal=refusal))
        if original.reversed_by not in (None, reversal.external_id):
            self._refuse_late(self._reversal_of(original), ALREADY_REVERSED)
        self.rows[reversal.key] = reversal
        return self.answer(self._undo(original, reversal))

    def _undo(self, original: Posting, reversal: Posting) -> Outcome:
        done = self.rows[original.key] = replace(original, reversed_by=reversal.external_id)
        if original.state is PostingState.AWAITED:
            return Outcome("held", reversal)
        if original.account_id not in self.known:
            return Outcome("parked", reversal)
        done = self.rows[original.key] = replace(done, state=PostingState.REVERSED)
        self.settlement.reversed[done.key] = (done, reversal)
        return Outcome("created", reversal)

    def _why_not_reversible(self, original: Posting, reversal: Posting) -> Refusal | None:
        """Of several reversals of one posting the one booked first counts, on the same day the one of the smaller id."""
        if original.state in (PostingState.REVERSAL, PostingState.REFUSED):
            return NOT_A_POSTING
        if original.reversed_by in (None, reversal.external_id):
            return None
        return ALREADY_REVERSED if _order(self._reversal_of(original)) < _order(reversal) else None

    def _reversal_of(self, original: Posting) -> Posting:
        return self.rows[(original.account_id, original.reversed_by or "")]

    def _refuse_late(self, reversal: Posting, refusal: Refusal) -> None:
        """Take back a reversal. Where it was answered in this batch, the answer changes."""
        self.rows[reversal.key] = replace(reversal, state=PostingState.REFUSED)
        outcomes = self.settlement.outcomes
        here = [at for at, one in enumerate(outcomes) if one.posting is not None and one.posting.key == reversal.key]
        for at in here:
            outcomes[at] = Outcome("rejected", refusal=refusal)
        if not here:
            self.settlement.refused_late.append((reversal, refusal))


def _order(reversal: Posting) -> tuple[date, str]:
    assert reversal.booked_on is not None  # noqa: S101  # only a placeholder has no date
    return reversal.booked_on, reversal.external_id


def release(parked: Sequence[Posting], reversals: Mapping[Key, Posting]) -> Settlement:
    """Settle the parked postings of an account that has just become known; `reversals` are those that name one of them."""
    settlement = Settlement()
    for posting in parked:
        reversal = reversals.get((posting.account_id, posting.reversed_by)) if posting.reversed_by else None
        released = replace(posting, state=PostingState.REVERSED if reversal else PostingState.POSTED)
        settlement.updates[posting.key] = released
        settlement.posted.append(released)
        if reversal:
            settlement.reversed[released.key] = (released, reversal)
    return settlement
