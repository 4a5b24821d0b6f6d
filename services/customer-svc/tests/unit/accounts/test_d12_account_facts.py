"""D12: what core banking reports again of an account counts by when it was said, in whatever order it comes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from customer_svc.accounts import policy
from customer_svc.accounts.policy import Account, Balance, Change, Refusal
from customer_svc.accounts.schemas import AccountItem, HolderReference
from customer_svc.transactions.schemas import MoneyIn

ID, HOLDER = UUID(int=1), UUID(int=7)
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
EARLY = NOW - timedelta(days=9)


def said(minutes: int) -> datetime:
    return NOW - timedelta(days=1) + timedelta(minutes=minutes)


def opened(minutes: int | None = None, **told: Any) -> AccountItem:
    fields: dict[str, Any] = {"product_code": "term", "currency": "CNY", "opened_on": date(2024, 3, 1), **told}
    at = EARLY if minutes is None else said(minutes)
    return AccountItem("core", "A1", "opened", HolderReference("core", "1"), reported_at=at, **fields)


def balance(minutes: int, amount: int, as_of: date = TODAY, currency: str = "CNY") -> AccountItem:
    return AccountItem(
        "core", "A1", "balance_reported", balance=MoneyIn(amount, currency), balance_as_of=as_of, reported_at=said(minutes)
    )


def closed(minutes: int, on: date = TODAY) -> AccountItem:
    return AccountItem("core", "A1", "closed", closed_on=on, reported_at=said(minutes))


def reopened(minutes: int) -> AccountItem:
    return AccountItem("core", "A1", "reopened", reported_at=said(minutes))


@dataclass
class Bank:
    """One account, and what was told of it."""

    account: Account | None = None
    balances: dict[date, Balance] = field(default_factory=dict)
    told: list[Change] = field(default_factory=list)

    def take(self, item: AccountItem, holder: UUID = HOLDER) -> str:
        held = self.balances.get(item.balance_as_of) if item.balance_as_of else None
        change = policy.decide(item, policy.Held(ID, holder, self.account, held), item.reported_at or NOW, NOW, TODAY)
        if isinstance(change, Refusal):
            return change.code
        self.account = change.account
        if change.balance is not None:
            self.balances[change.balance.as_of] = change.balance
        if change.kind is not None:
            self.told.append(change)
        return change.status

    def says(self) -> tuple[Any, ...]:
        one = self.account
        assert one is not None
        days = {on: balance.balance_minor for on, balance in self.balances.items()}
        return one.product_code, one.opened_on, one.matures_on, one.closed_on, one.balance_minor, one.balance_as_of, days


def bank(*items: AccountItem) -> Bank:
    found = Bank()
    for item in (opened(), *items):
        found.take(item)
    return found


def kept(told: Iterable[Change]) -> tuple[Any, ...]:
    """What a consumer holds that applies a fact only if its revision is greater."""
    opening, status, days = (0, None), (0, None), {}  # type: ignore[var-annotated]
    for one in told:
        revision, account = one.account.revision, one.account
        if one.kind == "opened" and revision > opening[0]:
            opening = (revision, (account.product_code, account.opened_on, account.matures_on))  # type: ignore[assignment]
        elif one.kind in ("closed", "reopened") and revision > status[0]:
            status = (revision, account.closed_on)  # type: ignore[assignment]
        elif one.balance is not None and revision > days.get(one.balance.as_of, (0,))[0]:
            days[one.balance.as_of] = (revision, one.balance.balance_minor)
    return opening[1], status[1], {on: amount for on, (_, amount) in days.items()}


YESTERDAY, BEFORE = TODAY - timedelta(days=1), TODAY - timedelta(days=2)
SETS = {
    "balances of a day": [balance(1, 100), balance(2, 200), balance(3, 300)],
    "corrected back": [balance(1, 100), balance(2, 200), balance(3, 100)],
    "said again": [balance(1, 100), balance(3, 100), balance(2, 200), balance(4, 200)],
    "balances of three days": [balance(1, 1, BEFORE), balance(2, 2, TODAY), balance(3, 3, YESTERDAY), balance(4, 4, BEFORE)],
    "maturities": [opened(1, matures_on=TODAY), opened(2), opened(3, matures_on=date(2028, 1, 1))],
    "products": [opened(1, product_code="a"), opened(2, product_code="b"), opened(3, product_code="a")],
    "openings": [opened(1, opened_on=date(2023, 1, 1)), opened(2, opened_on=date(2022, 1, 1)), closed(3)],
    "closings": [closed(1), reopened(2), closed(3, YESTERDAY), reopened(4)],
    "closed at last": [closed(1), reopened(2), closed(3, YESTERDAY)],
    "open and said so twice": [reopened(3), closed(1), reopened(2)],
    "all at once": [opened(1, matures_on=TODAY), closed(2), balance(3, 7), reopened(4)],
}


@pytest.mark.parametrize("items", SETS.values(), ids=SETS)
def test_d12_every_order_of_reports_gives_the_same_account_and_the_same_facts(items: list[AccountItem]) -> None:
    in_time = bank(*sorted(items, key=lambda one: one.reported_at or NOW))
    for order in permutations(items):
        found = bank(*order)
        assert found.says() == in_time.says(), order
        revisions = [change.account.revision for change in found.told]
        assert revisions == list(range(1, len(revisions) + 1))
        assert kept(found.told) == kept(reversed(found.told)) == kept(in_time.told)


@pytest.mark.parametrize(
    ("items", "statuses"),
    [
        ([balance(2, 200), balance(1, 100), balance(1, 200)], ["created", "outdated", "outdated"]),
        ([balance(1, 100), balance(1, 100), balance(2, 100)], ["created", "duplicate", "duplicate"]),
        ([balance(1, 100), balance(1, 101)], ["created", "created"]),  # of two reports of one time the later one here
        ([balance(1, 100), balance(2, 90, YESTERDAY)], ["created", "outdated"]),
        ([balance(1, 100, date(2027, 11, 1)), balance(2, 90)], ["future_balance", "created"]),
        ([balance(1, 100, TODAY + timedelta(days=1))], ["future_balance"]),
        ([balance(1, 100, currency="USD")], ["incomplete_item"]),
        ([opened(2, matures_on=TODAY), opened(1)], ["created", "outdated"]),
        ([opened(1)], ["duplicate"]),
        ([opened(1, currency="USD")], ["content_differs"]),
        ([closed(2), closed(1, YESTERDAY), closed(3)], ["created", "outdated", "duplicate"]),
        ([closed(1), reopened(2), reopened(3), closed(2)], ["created", "created", "duplicate", "outdated"]),
        ([closed(1), opened(2, opened_on=TODAY + timedelta(days=1))], ["created", "closed_before_opened"]),
        ([closed(1, date(2024, 2, 29))], ["closed_before_opened"]),
        # What no longer counts is not judged: core banking has corrected it already.
        ([closed(2), opened(3), opened(1, opened_on=TODAY + timedelta(days=1))], ["created", "duplicate", "outdated"]),
        ([closed(2), closed(1, date(2024, 2, 29))], ["created", "outdated"]),
        ([closed(60 * 25 + 1)], ["implausible_time"]),  # more than an hour ahead
        ([closed(60 * 25)], ["created"]),
    ],
)
def test_d12_what_is_answered(items: list[AccountItem], statuses: list[str]) -> None:
    found = bank()
    assert [found.take(item) for item in items] == statuses


def test_d12_a_balance_of_an_earlier_day_is_kept_for_its_day_and_leaves_the_account_as_it_is() -> None:
    found = bank(balance(1, 100), balance(2, 90, YESTERDAY))
    assert found.says()[4:] == (100, TODAY, {TODAY: 100, YESTERDAY: 90})
    assert [change.kind for change in found.told] == ["opened", "balance_reported", "balance_reported"]


def test_d12_another_holder_is_refused_by_name() -> None:
    assert bank().take(opened(1), UUID(int=8)) == "holder_differs"


def test_d12_what_was_taken_before_reports_had_a_time_is_older_than_any() -> None:
    found = Bank(Account(ID, "core", "A1", HOLDER, "term", "CNY", date(2024, 3, 1), None, None, 5, TODAY))
    found.balances[TODAY] = Balance(ID, TODAY, 5, None, 1)
    assert [found.take(item) for item in (opened(1, product_code="x"), balance(1, 6), closed(1))] == ["created"] * 3
