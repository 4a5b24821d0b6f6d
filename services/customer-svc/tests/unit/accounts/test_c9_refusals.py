"""C9: everything for which the account intake refuses a report, each with the nearest one that it takes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from customer_svc.accounts import policy
from customer_svc.accounts.policy import Account, Change, Held, decide, why_not_yours
from customer_svc.accounts.schemas import AccountItem, HolderReference
from customer_svc.transactions.schemas import MoneyIn
from guanxi_common.security.principal import SYSTEM_SCOPE, RowScope, ScopeKind

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
ID, HOLDER = UUID(int=1), UUID(int=7)
KNOWN = Account(ID, "core", "A1", HOLDER, "term", "CNY", date(2024, 3, 1))


def opened(**told: Any) -> AccountItem:
    facts: dict[str, Any] = {"holder": HolderReference("core", "1"), "product_code": "term", "currency": "CNY"}
    return AccountItem("core", "A1", "opened", **{**facts, "opened_on": date(2024, 3, 1), **told})


def balance(**told: Any) -> AccountItem:
    return AccountItem("core", "A1", "balance_reported", **{"balance": MoneyIn(1, "CNY"), "balance_as_of": TODAY, **told})


def closed(on: date | None) -> AccountItem:
    return AccountItem("core", "A1", "closed", closed_on=on)


def refusal(
    item: AccountItem,
    before: Account | None = None,
    holder: UUID | None = HOLDER,
    reported_at: datetime = NOW,
    today: date = TODAY,
) -> policy.Refusal | None:
    change = decide(item, Held(ID, holder, before, None), reported_at, NOW, today)
    return None if isinstance(change, Change) else change


@pytest.mark.parametrize(
    ("item", "before", "expected"),
    [
        (opened(), None, None),
        (opened(holder=None), None, policy.INCOMPLETE),
        (opened(product_code=None), None, policy.INCOMPLETE),
        (opened(currency=None), None, policy.INCOMPLETE),
        (opened(opened_on=None), None, policy.INCOMPLETE),
        (balance(), KNOWN, None),
        (balance(balance=None), KNOWN, policy.INCOMPLETE),
        (balance(balance_as_of=None), KNOWN, policy.INCOMPLETE),
        (balance(balance=MoneyIn(1, "USD")), KNOWN, policy.INCOMPLETE),
        (closed(TODAY), KNOWN, None),
        (closed(None), KNOWN, policy.INCOMPLETE),
        (closed(date(2024, 3, 1)), KNOWN, None),  # opened and closed in one day
        (closed(date(2024, 2, 29)), KNOWN, policy.CLOSED_BEFORE_OPENED),
        (opened(opened_on=TODAY), replace(KNOWN, closed_on=TODAY), None),
        (opened(opened_on=TODAY), replace(KNOWN, closed_on=TODAY - timedelta(days=1)), policy.CLOSED_BEFORE_OPENED),
        (balance(), None, policy.UNKNOWN_ACCOUNT),
        (closed(TODAY), None, policy.UNKNOWN_ACCOUNT),
        (AccountItem("core", "A1", "reopened"), None, policy.UNKNOWN_ACCOUNT),
        (AccountItem("core", "A1", "reopened"), KNOWN, None),
        (opened(currency="USD"), KNOWN, policy.OTHER_CURRENCY),
        (balance(balance_as_of=TODAY + timedelta(days=1)), KNOWN, policy.FUTURE_BALANCE),
    ],
)
def test_c9_what_a_report_needs(item: AccountItem, before: Account | None, expected: policy.Refusal | None) -> None:
    assert refusal(item, before) is expected


def test_c9_whose_an_account_is() -> None:
    assert refusal(opened(), None, None) is policy.UNKNOWN_HOLDER
    assert refusal(opened(), KNOWN, UUID(int=8)) is policy.OTHER_HOLDER
    assert refusal(opened(currency="USD"), KNOWN, UUID(int=8)) is policy.OTHER_HOLDER


@pytest.mark.parametrize(
    ("opened_on", "matures_on", "expected"),
    [
        ("2024-03-01", "2024-03-01", None),
        ("2024-03-01", "2024-02-29", policy.IMPLAUSIBLE_MATURITY),
        ("2024-03-01", "2124-03-01", None),  # a lease of a century
        ("2024-03-01", "2125-01-01", policy.IMPLAUSIBLE_MATURITY),
        ("1900-01-01", "2000-01-01", None),
        ("1899-12-31", None, policy.IMPLAUSIBLE_DATE),
        ("2027-11-21", None, None),  # a year and a day ahead
        ("2027-11-22", None, policy.IMPLAUSIBLE_DATE),
    ],
)
def test_c9_its_dates(opened_on: str, matures_on: str | None, expected: policy.Refusal | None) -> None:
    matures = date.fromisoformat(matures_on) if matures_on else None
    assert refusal(opened(opened_on=date.fromisoformat(opened_on), matures_on=matures)) is expected


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(hours=1), None),  # two clocks
        (timedelta(hours=1) + MOMENT, policy.IMPLAUSIBLE_TIME),
        (-timedelta(days=365 * 126), None),
        (-timedelta(days=365 * 127), policy.IMPLAUSIBLE_TIME),  # 1899
    ],
)
def test_d12_a_report_was_made_before_it_came(ahead: timedelta, expected: policy.Refusal | None) -> None:
    assert refusal(closed(TODAY), KNOWN, reported_at=NOW + ahead) is expected


@pytest.mark.parametrize(
    ("opened_on", "today", "taken"),
    [
        ("2025-03-31", "2025-03-31", True),  # the Caribbean guilder's first day
        ("2025-04-15", "2024-06-01", True),  # opened ahead, when it will be there
        ("2025-03-30", "2024-06-01", False),
        ("2020-01-01", "2026-11-20", True),  # the account that was changed over to it
        ("2020-01-01", "2025-03-30", False),
    ],
)
def test_d12_an_account_is_in_a_currency_that_is_in_use_while_it_is_open(opened_on: str, today: str, taken: bool) -> None:
    item = opened(currency="XCG", opened_on=date.fromisoformat(opened_on))
    assert refusal(item, today=date.fromisoformat(today)) is (None if taken else policy.UNKNOWN_CURRENCY)


@pytest.mark.parametrize(
    ("account", "holder", "sources", "refused"),
    [
        ("core", "core", {"core"}, False),
        ("cards", "core", {"cards", "core"}, False),
        ("cards", "core", {"cards"}, True),  # it would hang its accounts on another system's customers
        ("core", "cards", {"cards"}, True),
        ("core", None, {"core"}, False),
        ("core", None, {"cards"}, True),
        ("core", "cards", None, False),
        ("core", "core", set(), True),
    ],
)
def test_d19_a_client_reports_for_its_own_sources(
    account: str, holder: str | None, sources: set[str] | None, refused: bool
) -> None:
    item = AccountItem(account, "A1", "opened", holder=HolderReference(holder, "1") if holder else None)
    scope = SYSTEM_SCOPE if sources is None else RowScope(ScopeKind.ALL, sources=frozenset(sources))
    assert why_not_yours(item, scope) is (policy.SOURCE_NOT_YOURS if refused else None)
