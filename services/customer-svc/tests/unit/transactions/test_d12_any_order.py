"""D12: the outcome never depends on the order in which postings, reversals and wrong reversals arrive, nor on how they are batched.

The reference looks at the whole set at once: a reversal of a reversal never counts; of several of one posting the one booked first does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise, permutations
from uuid import UUID

import pytest
from customer_svc.transactions import policy
from customer_svc.transactions.policy import Key, Posting, PostingState
from customer_svc.transactions.schemas import MoneyIn, TransactionItem
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = date(2026, 11, 20)
HOLDER = UUID(int=7)
OPENED = "the account is opened"
"""Stands among the items for the moment from which the accounts are known."""

Event = TransactionItem | str


def posting(name: str, amount: int = 100, currency: str = "CNY", account: str = "A") -> TransactionItem:
    return TransactionItem("core", account, name, DAY, money=MoneyIn(amount, currency))


def reversal(name: str, of: str, day: int = 0, account: str = "A") -> TransactionItem:
    return TransactionItem("core", account, name, DAY + timedelta(days=day), reverses=of)


@dataclass
class Bank:
    """The table of postings and what was published, in memory."""

    rows: dict[Key, Posting] = field(default_factory=dict)
    known: dict[UUID, UUID] = field(default_factory=dict)
    posted: dict[Key, int] = field(default_factory=dict)
    undone: set[Key] = field(default_factory=set)
    refused_late: list[tuple[str, str]] = field(default_factory=list)

    def take(self, batch: Sequence[Event]) -> list[str]:
        if OPENED in batch:
            at = batch.index(OPENED)
            before = self.take(batch[:at])
            self._open()
            return before + self.take(batch[at + 1 :])
        items = [item for item in batch if isinstance(item, TransactionItem)]
        accounts = [policy.account_id(item.source, item.account_number) for item in items]
        asked = [policy.to_posting(i, a, account_known=a in self.known) for i, a in zip(items, accounts, strict=True)]
        wanted = policy.rows_to_insert(asked)
        inserted = {key: row for key, row in wanted.items() if key not in self.rows}
        locked = {key: self.rows[key] for key in wanted if key in self.rows}
        named = [(row.account_id, row.reversed_by) for row in locked.values() if row.reversed_by]
        existing = locked | {key: self.rows[key] for key in named}
        self._apply(inserted, policy.settle(asked, inserted, existing, self.known))
        return self.last

    def _apply(self, inserted: dict[Key, Posting], settlement: policy.Settlement) -> None:
        self.rows |= inserted | settlement.updates
        for key in settlement.deletions:
            del self.rows[key]
        for told in settlement.posted:
            assert told.key not in self.posted, "told twice"
            self.posted[told.key] = told.amount_minor or 0
        self.undone |= settlement.reversed.keys()
        self.refused_late += [(one.external_id, refusal.code) for one, refusal in settlement.refused_late]
        self.last = [outcome.refusal.code if outcome.refusal else outcome.status for outcome in settlement.outcomes]

    def _open(self) -> None:
        self.known = {policy.account_id("core", account): HOLDER for account in "AB"}
        parked = [row for row in self.rows.values() if row.state is PostingState.PARKED]
        self._apply({}, policy.release(parked, self.rows))

    def counted(self) -> dict[Key, int]:
        """What a ledger of the published facts sums up."""
        return {key: amount for key, amount in self.posted.items() if key not in self.undone}

    def taken(self) -> dict[Key, str | None]:
        """Reversals that count or wait, with what they name; by their original the same."""
        reversals = {key: row.reverses for key, row in self.rows.items() if row.state is PostingState.REVERSAL}
        named = {(row.account_id, row.reversed_by): row.external_id for row in self.rows.values() if row.reversed_by}
        assert reversals == named
        return reversals


def expected(items: Iterable[TransactionItem]) -> tuple[dict[Key, int], dict[Key, str | None]]:
    """The amounts that count and the reversals that are taken, by looking at everything at once."""
    every = {(policy.account_id(item.source, item.account_number), item.external_id): item for item in items}
    taken: dict[Key, str | None] = {}
    for key, item in every.items():
        named = every.get((key[0], item.reverses or ""))
        if item.reverses is None or (named is not None and named.reverses is not None):
            continue
        rivals = [one for at, one in every.items() if at[0] == key[0] and one.reverses == item.reverses]
        if min(rivals, key=lambda one: (one.booked_on, one.external_id)) is item:
            taken[key] = item.reverses
    undone = {(key[0], name) for key, name in taken.items()}
    return {key: item.money.amount for key, item in every.items() if item.money and key not in undone}, taken


SETS: dict[str, list[TransactionItem]] = {
    "a chain of reversals": [posting("X"), reversal("R", "X"), reversal("RR", "R"), reversal("RRR", "RR")],
    "two reversals of one posting": [posting("X"), reversal("R2", "X", 2), reversal("R1", "X", 1), reversal("RR", "R2")],
    "three of one day": [posting("X", -5), reversal("C", "X"), reversal("A", "X"), reversal("B", "X")],
    "of another account": [posting("X"), reversal("R", "X", account="B"), reversal("Q", "X", 3), posting("X", 7, "USD", "B")],
    "around in a circle": [reversal("P", "Q"), reversal("Q", "P"), reversal("S", "P"), posting("X")],
    "of nothing": [reversal("R", "X"), reversal("RR", "R"), reversal("R2", "X", -1), reversal("R3", "RR")],
}


@pytest.mark.parametrize("items", SETS.values(), ids=SETS)
def test_d12_every_order_and_every_moment_of_the_opening_gives_the_same(items: list[TransactionItem]) -> None:
    for order in permutations([*items, OPENED]):
        one_by_one, at_once = Bank(), Bank()
        for event in order:
            one_by_one.take([event])
        at_once.take(order)
        for bank in (one_by_one, at_once):
            assert (bank.counted(), bank.taken()) == expected(items), order


NAMES = "PQRST"


@st.composite
def batches_of(draw: st.DrawFn) -> tuple[list[TransactionItem], list[list[Event]]]:
    items: list[TransactionItem] = []
    for name in NAMES[: draw(st.integers(1, 5))]:
        of = draw(st.sampled_from(["", *NAMES.replace(name, "")]))
        items.append(reversal(name, of, draw(st.integers(0, 2))) if of else posting(name, draw(st.integers(-9, 9))))
    again = draw(st.lists(st.sampled_from(items), max_size=4))
    order = draw(st.permutations([*items, *again, OPENED]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=3)))
    edges = [0, *cuts, len(order)]
    return items, [list(order[begin:end]) for begin, end in pairwise(edges)]


@given(batches_of())
@settings(max_examples=120, deadline=None)
def test_d12_whatever_comes_twice_or_in_other_batches_gives_the_same(
    given: tuple[list[TransactionItem], list[list[Event]]],
) -> None:
    items, batches = given
    bank = Bank()
    for batch in batches:
        bank.take(batch)
    assert (bank.counted(), bank.taken()) == expected(items)


def opened() -> Bank:
    bank = Bank()
    bank.take([OPENED])
    return bank


def test_d12_a_reversal_of_a_reversal_is_refused_when_that_comes() -> None:
    bank = opened()
    assert bank.take([reversal("RR", "R")]) == ["held"]
    assert bank.take([posting("X")]) == ["created"]
    assert bank.take([reversal("R", "X")]) == ["created"]
    assert bank.refused_late == [("RR", "reverses_a_reversal")]
    assert bank.counted() == {}
    assert bank.take([reversal("RR", "R"), reversal("R", "X")]) == ["reverses_a_reversal", "duplicate"]
    assert bank.refused_late == [("RR", "reverses_a_reversal")]


def test_d12_within_a_batch_the_answer_says_it() -> None:
    bank = opened()
    assert bank.take([reversal("RR", "R"), posting("X"), reversal("R", "X")]) == ["reverses_a_reversal", "created", "created"]
    assert bank.refused_late == []


def test_d12_of_two_reversals_the_one_booked_first_counts_and_the_other_is_refused() -> None:
    bank = opened()
    bank.take([posting("X"), reversal("R2", "X", 2)])
    assert bank.take([reversal("R1", "X", 1)]) == ["created"]
    assert bank.refused_late == [("R2", "already_reversed")]
    assert bank.take([reversal("R0", "X", 3)]) == ["already_reversed"]


def test_d12_a_refused_reversal_comes_again_corrected_as_a_reversal_or_a_posting() -> None:
    bank = opened()
    bank.take([posting("X"), posting("Y", 40), reversal("R", "X"), reversal("Q", "R"), reversal("S", "R")])
    assert bank.take([reversal("Q", "Y"), posting("S", 9)]) == ["created", "created"]
    assert sorted(bank.counted().values()) == [9]


@pytest.mark.parametrize("wrong", [posting("X", 999), posting("X", 100, "USD"), reversal("X", "Y"), reversal("R", "Y")], ids=repr)
def test_d12_other_content_of_an_id_is_told_and_leaves_nothing_behind(wrong: TransactionItem) -> None:
    """It left an awaited placeholder of what it names: the posting Y then came reversed by a reversal that was refused."""
    bank = opened()
    bank.take([posting("X"), posting("Z", 3), reversal("R", "Z")])
    assert bank.take([wrong]) == ["content_differs"]
    assert bank.take([posting("Y", 5)]) == ["created"]
    assert sorted(bank.counted().values()) == [5, 100]
