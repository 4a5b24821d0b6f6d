"""D12: a currency is one of ISO 4217 that was in use on the day; the list is that of the standard, its dates those of the CLDR."""

from collections import defaultdict
from datetime import date

import pytest
from babel.core import get_global
from guanxi_common.currencies import CURRENCIES, MINOR_DIGITS, in_use, in_use_between

EARLIEST_START, EARLIEST_END = date(1999, 1, 1), date(1999, 1, 1)
NO_CODE_OF_ISO = "MCF"
USED_ON = "SVC"
"""Legal tender ended in 2001; it is in list one to this day, as a unit of account."""


@pytest.mark.parametrize(
    ("code", "on", "expected"),
    [
        ("XCG", date(2025, 3, 31), True),
        ("XCG", date(2025, 3, 30), False),
        ("ANG", date(2025, 6, 30), True),  # beside the new one for three months
        ("ANG", date(2026, 11, 28), False),
        ("HRK", date(2022, 12, 31), True),
        ("HRK", date(2024, 1, 1), False),
        ("BGN", date(2026, 1, 15), True),
        ("BGN", date(2026, 2, 1), False),
        ("DEM", date(2002, 1, 1), True),
        ("DEM", date(2003, 1, 1), False),
        ("EUR", date(1998, 12, 31), False),
        ("EUR", date(2026, 11, 28), True),
        ("CNY", date(1900, 1, 1), True),
        ("SVC", date(2026, 11, 28), True),
        ("CNH", date(2026, 11, 28), False),  # no code of ISO 4217
        ("XAU", date(2026, 11, 28), False),  # a metal
        ("XXX", date(2026, 11, 28), False),
        ("cny", date(2026, 11, 28), False),
    ],
)
def test_d12_a_currency_is_in_use_from_its_first_day_to_its_last(code: str, on: date, expected: bool) -> None:
    assert in_use(code, on) is expected


@pytest.mark.parametrize(
    ("code", "first", "last", "expected"),
    [
        ("HRK", date(2020, 1, 1), date(2026, 1, 1), True),  # the account of a customer who is still here
        ("HRK", date(2023, 1, 15), date(2026, 1, 1), False),
        ("EUR", date(1985, 1, 1), date(2026, 1, 1), True),  # opened in another currency, and converted
        ("XCG", date(2020, 1, 1), date(2025, 3, 30), False),
    ],
)
def test_d12_an_account_may_outlive_or_predate_its_currency(code: str, first: date, last: date, expected: bool) -> None:
    assert in_use_between(code, first, last) is expected


@pytest.mark.parametrize(
    ("code", "digits"),
    [("XCG", 2), ("HRK", 2), ("JPY", 0), ("ISK", 0), ("IQD", 3), ("CLF", 4), ("ITL", 0), ("BYR", 0), ("BYN", 2)],
)
def test_d12_amounts_keep_the_minor_units_of_the_standard(code: str, digits: int) -> None:
    """CLDR's digits differ: the dinar of Iraq has none there."""
    assert MINOR_DIGITS[code] == digits


def test_d12_the_dates_are_those_of_the_cldr() -> None:
    spans: dict[str, list[tuple[date | None, date | None]]] = defaultdict(list)
    for territory in get_global("territory_currencies").values():
        for code, start, end, is_tender in territory:
            if is_tender:
                spans[code].append((date(*start) if start else None, date(*end) if end else None))
    for code, currency in CURRENCIES.items():
        starts, ends = zip(*spans.get(code, [(None, None)]), strict=True)
        start = None if None in starts else min(starts)
        end = None if None in ends or code == USED_ON else max(ends)
        assert currency.valid_from == (start if start and start >= EARLIEST_START else None), code
        assert currency.valid_to == end, code
    in_tender = {code for code, rows in spans.items() if any(end is None or end >= EARLIEST_END for _, end in rows)}
    assert in_tender - CURRENCIES.keys() == {NO_CODE_OF_ISO}
