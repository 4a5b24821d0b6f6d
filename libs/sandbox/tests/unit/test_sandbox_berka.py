"""What is read of the data set, against figures taken from the files with `xz -dc … | awk`."""

from collections import Counter
from datetime import date

import pytest
from guanxi_sandbox.berka import LAST_COMPLETE_DAY, parse_birth_number, parse_date, parse_minor


def test_counts(berka):
    assert len(berka.districts) == 77
    assert len(berka.accounts) == 1_229
    assert len(berka.clients) == 1_489
    assert sum(len(account.authorised_ids) for account in berka.accounts.values()) == 260
    assert len(berka.transactions) == 46_997
    assert Counter(loan.status for loan in berka.loans) == {"A": 30, "B": 5, "C": 2}
    assert [card.kind for card in berka.cards] == ["classic"] * 6


def test_nothing_dated_after_the_last_complete_day(berka):
    assert max(row.booked_on for row in berka.transactions) == LAST_COMPLETE_DAY
    assert max(account.opened_on for account in berka.accounts.values()) == date(1994, 3, 28)
    assert max(loan.granted_on for loan in berka.loans) <= LAST_COMPLETE_DAY


def test_sums(berka):
    assert sum(row.amount_minor for row in berka.transactions if row.amount_minor > 0) == 17_696_125_480
    assert sum(row.amount_minor for row in berka.transactions if row.amount_minor < 0) == -13_766_449_200


def test_one_row(berka):
    row = next(row for row in berka.transactions if row.transaction_id == 172_041)
    assert (row.account_id, row.booked_on, row.amount_minor, row.code) == (576, date(1993, 5, 31), -1_460, "VYBER|SLUZBY")
    assert row.stated_balance_minor == 2_564_990


def test_transactions_come_by_date_and_id(berka):
    order = [(row.booked_on, row.transaction_id) for row in berka.transactions]
    assert order == sorted(order)


def test_a_part_keeps_its_people_and_rows(berka):
    account = next(account for account in berka.accounts.values() if account.authorised_ids)
    part = berka.only({account.account_id})
    assert set(part.clients) == {account.owner_id, *account.authorised_ids}
    assert part.transactions == tuple(row for row in berka.transactions if row.account_id == account.account_id)
    assert all(order.account_id == account.account_id for order in part.orders)


def test_birth_numbers_tell_date_and_sex():
    assert parse_birth_number("706213") == (date(1970, 12, 13), "female")
    assert parse_birth_number("450204") == (date(1945, 2, 4), "male")


def test_dates_ignore_a_time_of_day():
    assert parse_date("931107 00:00:00") == date(1993, 11, 7)


@pytest.mark.parametrize(("text", "minor"), [("14.60", 1_460), ("96396", 9_639_600), ("-0.10", -10), ("3372.7", 337_270)])
def test_amounts_are_exact(text, minor):
    assert parse_minor(text) == minor


@pytest.mark.parametrize("text", ["", "1.234", "1e5", "NaN", "1,5"])
def test_other_amounts_are_refused(text):
    with pytest.raises(ValueError, match="amount"):
        parse_minor(text)
