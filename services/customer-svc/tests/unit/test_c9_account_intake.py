"""C9: what the account intake refuses."""

from datetime import UTC, date, datetime
from uuid import uuid4

import msgspec
import pytest
from customer_svc.accounts import policy
from customer_svc.accounts.policy import IMPLAUSIBLE_DATE, UNKNOWN_CURRENCY, Change
from customer_svc.accounts.schemas import AccountBatch, AccountItem, HolderReference
from customer_svc.transactions.schemas import MoneyIn, TransactionBatch

TODAY = date(2026, 11, 23)
HOLDER = uuid4()


NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


def decide(item, account_id, holder, before, today):
    return policy.decide(item, policy.Held(account_id, holder, before, None), NOW, NOW, today)


def opened(**changes: object) -> AccountItem:
    facts = {"holder": HolderReference("core", "1"), "product_code": "current", "currency": "CNY", "opened_on": date(2024, 3, 1)}
    return AccountItem("core", "A1", "opened", **{**facts, **changes})


def test_c9_an_account_opens_in_a_currency_that_exists():
    assert isinstance(decide(opened(), uuid4(), HOLDER, None, TODAY), Change)
    assert decide(opened(currency="XXQ"), uuid4(), HOLDER, None, TODAY) is UNKNOWN_CURRENCY


def test_d12_an_account_is_in_a_currency_of_its_time_and_so_is_each_balance():
    assert decide(opened(currency="HRK"), uuid4(), HOLDER, None, TODAY) is UNKNOWN_CURRENCY
    old = decide(opened(currency="HRK", opened_on=date(2020, 1, 1)), uuid4(), HOLDER, None, TODAY)
    report = AccountItem("core", "A1", "balance_reported", balance=MoneyIn(1, "HRK"), balance_as_of=date(2022, 12, 31))
    assert isinstance(decide(report, uuid4(), HOLDER, old.account, TODAY), Change)
    report.balance_as_of = date(2023, 12, 31)
    assert decide(report, uuid4(), HOLDER, old.account, TODAY) is UNKNOWN_CURRENCY


@pytest.mark.parametrize("day", [date(1899, 12, 31), date(2027, 12, 1), date(9999, 12, 31)])
def test_c9_a_date_out_of_range_is_refused_so_that_no_report_freezes_a_balance(day):
    assert decide(opened(opened_on=day), uuid4(), HOLDER, None, TODAY) is IMPLAUSIBLE_DATE
    known = decide(opened(), uuid4(), HOLDER, None, TODAY)
    report = AccountItem("core", "A1", "balance_reported", balance=MoneyIn(1, "CNY"), balance_as_of=day)
    assert decide(report, uuid4(), HOLDER, known.account, TODAY) is IMPLAUSIBLE_DATE


@pytest.mark.parametrize("field", ["source", "account_number", "external_id", "code"])
def test_c9_no_identifier_ends_with_a_line_break(field):
    item = {"source": "core", "account_number": "A1", "external_id": "T1", "booked_on": "2026-11-20", "code": "card"}
    good = {"items": [{**item, "money": {"amount": 1, "currency": "CNY"}}]}
    msgspec.convert(good, TransactionBatch)
    good["items"][0][field] += "\n"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good, TransactionBatch)


def test_c9_no_product_ends_with_a_line_break():
    item = {"source": "core", "account_number": "A1", "kind": "opened", "product_code": "x\n"}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"items": [item]}, AccountBatch)
