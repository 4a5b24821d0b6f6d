"""S2, S3: the columns of a book give what the pure policies give customer by customer; and the binary format is PostgreSQL's."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_svc.retention.columns import BANDS, NONE, RULES, risks
from scoring_svc.retention.policy import RetentionInputs, RetentionStandard, retention_risk
from scoring_svc.runs.binary_copy import HEADER, TRAILER, ColumnReader, Shape, days, microseconds
from scoring_svc.runs.book import book_of, six_digits
from scoring_svc.scores.columns import MOST_MINOR
from scoring_svc.standards import load_standards

STANDARD = load_standards(RetentionStandard, "retention")[-1]
CURRENCIES = ("CNY", "CZK", "JPY")

amounts = st.integers(0, MOST_MINOR) | st.integers(0, 400_000)
counts = st.integers(0, 40)
inputs = st.builds(
    RetentionInputs,
    as_of=st.just(date(2026, 3, 10)),
    currency=st.sampled_from(CURRENCIES),
    history_days=st.integers(0, 900) | st.sampled_from([179, 180, 181]),
    acts_recent=counts,
    acts_before=counts,
    silent_days=st.none() | st.integers(0, 400),
    balance_minor=amounts | amounts.map(lambda amount: -amount),
    median_balance_minor=amounts | amounts.map(lambda amount: -amount),
    outflow_minor=amounts,
    inflow_minor=amounts,
    income_overdue_days=st.none() | st.integers(0, 90),
    p_alive_bp=st.none() | st.integers(0, 10_000),
)


@settings(deadline=None)
@given(st.lists(inputs, min_size=1, max_size=20))
def test_s3_the_rules_in_columns_are_the_rules(book: list[RetentionInputs]) -> None:
    names = set(RetentionInputs.__dataclass_fields__) - {"as_of", "currency", "contacts", "evidence"}
    columns = {name: np.array([NONE if getattr(one, name) is None else getattr(one, name) for one in book]) for name in names}
    currency = np.array([CURRENCIES.index(one.currency) for one in book])
    value, band, main = risks(columns, currency, CURRENCIES, STANDARD)
    for row, one in enumerate(book):
        risk = retention_risk(one, STANDARD)
        reason = risk.main_reason
        assert (value[row], BANDS[band[row]]) == (risk.value_bp, risk.band)
        assert (RULES[main[row]] if main[row] != NONE else None) == (reason.code if reason else None)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6) | st.integers(0, 10**9).map(lambda n: (n + 0.5) / 1e6), min_size=1))
def test_s2_six_digits_are_rounded_as_one_by_one(values: list[float]) -> None:
    assert six_digits(np.array(values)).tolist() == [round(value, 6) for value in values]


FIELDS = [
    ("id", "uuid"),
    ("on", "date"),
    ("at", "timestamptz"),
    ("flag", "bool"),
    ("text", 3),
    ("few", "int4"),
    ("many", "int8"),
    ("part", "float8"),
]


def some_rows(size: int) -> dict[str, Any]:
    random = np.random.default_rng(size)
    return {
        "id": np.frombuffer(random.bytes(16 * size), dtype="V16"),
        "on": random.integers(-800_000, 800_000, size),
        "at": random.integers(-(2**60), 2**60, size),
        "flag": random.random(size) > 0.5,
        "text": np.array([b"CNY", b"CZK"])[random.integers(0, 2, size)].view("V3"),
        "few": random.integers(-(2**31), 2**31, size),
        "many": random.integers(-(2**63), 2**63 - 1, size),
        "part": random.random(size),
    }


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 977))
def test_s2_what_is_encoded_is_read_back_in_pieces_of_any_length(size: int, piece: int) -> None:
    columns = some_rows(size)
    sent = HEADER + Shape(FIELDS).encode(size, columns) + TRAILER
    reader = ColumnReader(FIELDS)
    for start in range(0, len(sent), piece):
        asyncio.run(reader.feed(sent[start : start + piece]))
    found = reader.finish()
    assert {name: column.tolist() for name, column in found.items()} == {
        name: column.tolist() for name, column in columns.items()
    }


def test_s2_a_copy_that_ends_early_or_has_another_shape_is_refused() -> None:
    whole = HEADER + Shape(FIELDS).encode(2, some_rows(2)) + TRAILER
    for broken in (
        whole[:-2],
        whole[:-40],
        whole[40:],
        HEADER + Shape([*FIELDS[:-1], ("part", None)]).encode(9, some_rows(9)) + TRAILER,
    ):
        with pytest.raises(ValueError, match=r"row|copy"):
            asyncio.run(read(broken))


async def read(sent: bytes) -> Any:
    reader = ColumnReader(FIELDS)
    await reader.feed(sent)
    return reader.finish()


def test_s2_dates_and_instants_count_from_2000() -> None:
    assert (days(date(2000, 1, 1)), days(date(1, 1, 1))) == (0, -730_119)
    assert microseconds(datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


def test_s2_currencies_are_found_in_their_order() -> None:
    book = book_of({"currency": np.array([b"CZK", b"CNY", b"CZK", b"AED"], dtype="S3").view("V3")})
    assert (book.currencies, book.currency.tolist()) == (("AED", "CNY", "CZK"), [2, 1, 2, 0])
