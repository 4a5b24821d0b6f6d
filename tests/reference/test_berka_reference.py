"""The reference against figures taken from the files with `xz -dc … | awk`, in another language than its own."""

from pathlib import Path

import pytest

from tests.reference import berka_reference as reference

HEADER = "source,account,external_id,booked_on,amount_minor,currency,code,balance_after_minor,occurred_at,reverses\n"


@pytest.fixture(scope="module")
def totals():
    return reference.calculate(reference.berka_rows())


def test_whole_book(totals):
    rows = list(reference.berka_rows())
    assert len(rows) == 46_997
    assert len(totals) == 1_229
    assert sum(account.count for account in totals.values()) == 46_997
    assert sum(row.amount for row in rows if row.amount > 0) == 17_696_125_480
    assert sum(row.amount for row in rows if row.amount < 0) == -13_766_449_200
    assert sum(account.sum_minor for account in totals.values()) == 17_696_125_480 - 13_766_449_200
    assert max(account.last_booked_on for account in totals.values()) == "1994-03-30"


def test_one_account_by_hand(totals):
    account = totals["berka", "3510"]
    assert (account.count, account.sum_minor, account.last_booked_on, account.stated_minor) == (
        50,
        5_162_830,
        "1994-03-29",
        5_162_840,
    )
    assert {name: (part.count, part.sum_minor) for name, part in account.by_class.items()} == {
        "cash_deposit": (16, 40_049_400),
        "cash_withdrawal": (19, -35_100_500),
        "interest": (14, 215_390),
        "fee": (1, -1_460),
    }


def test_classes_of_the_book_add_up(totals):
    counts: dict[str, int] = {}
    for account in totals.values():
        assert sum(part.count for part in account.by_class.values()) == account.count
        assert sum(part.sum_minor for part in account.by_class.values()) == account.sum_minor
        for name, part in account.by_class.items():
            counts[name] = counts.get(name, 0) + part.count
    assert counts == {
        "cash_withdrawal": 14_203,
        "cash_deposit": 9_744,
        "interest": 8_305,
        "standing_order": 6_343,
        "fee": 4_563,
        "regular_income": 2_002,
        "pension": 1_770,
        "penalty_interest": 55,
        "card": 12,
    }


def test_sums_agree_with_the_banks_own_balances_but_for_rounding(totals):
    assert max(abs(account.sum_minor - account.stated_minor) for account in totals.values()) == 70


def test_fixture_gives_the_same_totals_as_the_files_it_was_cut_from(totals):
    fixture = Path(__file__).parents[1] / "fixtures/berka_20_accounts.csv"
    cut = reference.calculate(reference.csv_rows(fixture))
    assert len(cut) == 20
    assert cut == {key: totals[key] for key in cut}


def test_reversals_and_duplicates_in_any_order(tmp_path):
    posting = "core,1,a,2026-01-05,-500,CNY,card,,,\n"
    other = "core,1,b,2026-01-06,900,CNY,salary,400,,\n"
    reversal = "core,1,c,2026-01-07,,,,,,a\n"
    path = tmp_path / "dataset.csv"
    path.write_text(HEADER + reversal + posting + other + posting, encoding="utf-8")
    account = reference.calculate(reference.csv_rows(path))["core", "1"]
    assert (account.count, account.sum_minor, account.last_booked_on, account.stated_minor) == (1, 900, "2026-01-06", 400)
    assert set(account.by_class) == {"regular_income"}


def test_an_unmapped_code_falls_into_the_default_class(tmp_path):
    path = tmp_path / "dataset.csv"
    path.write_text(HEADER + "core,1,a,2026-01-05,-500,CNY,XYZ,,,\n", encoding="utf-8")
    assert set(reference.calculate(reference.csv_rows(path))["core", "1"].by_class) == {"unclassified"}
