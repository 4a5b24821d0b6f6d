"""Intake items: from the data set, and from CSV files of the documented form with errors that name line and column."""

from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path

import pytest
from guanxi_sandbox.export import choose_accounts
from guanxi_sandbox.shift import Shift
from guanxi_sandbox.transactions import (
    OPTIONAL_COLUMNS,
    REQUIRED_COLUMNS,
    DatasetError,
    IntakeItem,
    batches,
    berka_items,
    read_dataset,
    write_dataset,
)

FIXTURE = Path(__file__).parents[4] / "tests/fixtures/berka_20_accounts.csv"
HEADER = ",".join(REQUIRED_COLUMNS + OPTIONAL_COLUMNS)


def dataset(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "dataset.csv"
    path.write_text("\n".join((header, *lines, "")), encoding="utf-8")
    return path


def test_a_posting_becomes_an_item_of_the_intake(berka):
    item = next(item for item in berka_items(berka, Shift(1)) if item.external_id == "172041")
    assert item.body() == {
        "source": "berka",
        "account_number": "576",
        "external_id": "172041",
        "booked_on": "1993-06-07",
        "money": {"amount": -1_460, "currency": "CZK"},
        "code": "VYBER|SLUZBY",
    }


def test_batches_are_full_but_the_last_and_keep_the_order(berka):
    cut = list(batches(berka_items(berka, Shift())))
    assert [len(batch) for batch in cut] == [5_000] * 9 + [1_997]
    assert list(chain.from_iterable(cut)) == list(berka_items(berka, Shift()))


def test_the_fixture_is_what_its_command_writes(berka, tmp_path):
    path = tmp_path / "again.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        write_dataset(berka_items(berka.only(choose_accounts(berka, 20)), Shift()), file)
    assert path.read_bytes() == FIXTURE.read_bytes()


def test_a_file_gives_back_what_was_written(berka):
    part = berka.only(choose_accounts(berka, 20))
    assert list(read_dataset(FIXTURE)) == list(berka_items(part, Shift()))
    assert list(read_dataset(FIXTURE, Shift(3))) == list(berka_items(part, Shift(3)))


def test_optional_columns_and_reversals(tmp_path):
    path = dataset(
        tmp_path,
        "core,1,a,2026-01-05,-500,CNY,card,,2026-01-05T09:00:00+00:00,",
        "core,1,b,2026-01-06,,,,,,a",
    )
    posting, reversal = read_dataset(path)
    assert posting.occurred_at == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert reversal == IntakeItem("core", "1", "b", date(2026, 1, 6), None, None, "", reverses="a")
    assert reversal.body() == {
        "source": "core",
        "account_number": "1",
        "external_id": "b",
        "booked_on": "2026-01-06",
        "reverses": "a",
    }


def test_optional_columns_may_be_left_out(tmp_path):
    path = dataset(tmp_path, "core,1,a,2026-01-05,-500,CNY,card,", header=",".join(REQUIRED_COLUMNS))
    (item,) = read_dataset(path)
    assert (item.amount_minor, item.occurred_at, item.reverses) == (-500, None, None)


GOOD = {
    "source": "core",
    "account": "1",
    "external_id": "a",
    "booked_on": "2026-01-05",
    "amount_minor": "-500",
    "currency": "CNY",
}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("source", ""),
        ("account", " 62170"),
        ("external_id", "x" * 256),
        ("booked_on", "05.01.2026"),
        ("booked_on", "20260105"),
        ("amount_minor", "12.50"),
        ("amount_minor", "1_000"),
        ("amount_minor", "9" * 5_000),
        ("amount_minor", ""),
        ("amount_minor", str(2**63)),
        ("currency", "yuan"),
        ("code", "x" * 65),
        ("code", "a\tb"),
        ("balance_after_minor", "much"),
        ("occurred_at", "2026-01-05T09:00:00"),
        ("occurred_at", "yesterday"),
    ],
)
def test_errors_name_line_and_column_but_not_the_value(tmp_path, column, value):
    good = ",".join(GOOD.get(name, "") for name in REQUIRED_COLUMNS + OPTIONAL_COLUMNS)
    bad = ",".join((GOOD | {column: value}).get(name, "") for name in REQUIRED_COLUMNS + OPTIONAL_COLUMNS)
    items = read_dataset(dataset(tmp_path, good, bad))
    assert next(items).external_id == "a"
    with pytest.raises(DatasetError) as caught:
        next(items)
    assert (caught.value.line, caught.value.column) == (3, column)
    assert f"line 3, column {column}" in str(caught.value)
    assert not value or value not in str(caught.value)


def test_a_reversal_has_no_amount(tmp_path):
    with pytest.raises(DatasetError, match="line 2, column amount_minor"):
        list(read_dataset(dataset(tmp_path, "core,1,b,2026-01-06,100,CNY,,,,a")))


@pytest.mark.parametrize("line", ["core,1,b", "core,1,b,2026-01-06,100,CNY,,,,,,too,many"])
def test_broken_rows(tmp_path, line):
    with pytest.raises(DatasetError, match="line 2"):
        list(read_dataset(dataset(tmp_path, line)))


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (HEADER.replace("currency", "curency"), "currency"),
        (HEADER + ",colour", "colour"),
        (HEADER + ",code", "code"),
        ("", "source"),
    ],
)
def test_headers_are_checked(tmp_path, header, column):
    with pytest.raises(DatasetError, match="line 1") as caught:
        list(read_dataset(dataset(tmp_path, header=header)))
    assert caught.value.column == column


def test_other_encodings_are_refused(tmp_path):
    path = tmp_path / "dataset.csv"
    path.write_bytes(HEADER.encode() + b"\ncore,1,a,2026-01-05,-500,CNY,\xff,,,\n")
    with pytest.raises(DatasetError, match=r"line 2, column code: .*UTF-8"):
        list(read_dataset(path))


def test_an_open_quote_is_an_error_not_a_short_file(tmp_path):
    with pytest.raises(DatasetError, match="unexpected end of data"):
        list(read_dataset(dataset(tmp_path, 'core,1,"b')))
