"""The currencies of ISO 4217, and from when to when each was in use.

`currencies.csv` holds list one and, of list three, what went out of use from 1999 on; without metals, test codes and units of account.
Minor units are ISO's, of withdrawn codes those in force at the end. The dates are CLDR's (supplementalData, legal tender in any territory;
both days included): ISO names months only. A start before 1999 is left out, for nobody's account rests on it. A test compares the file with
the CLDR data of the locked Babel, so a new version of that says what has changed.
"""

import csv
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency in use from `valid_from` (None: long ago) to `valid_to` (None: still)."""

    minor_digits: int
    valid_from: date | None
    valid_to: date | None


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _read() -> dict[str, Currency]:
    text = files("guanxi_common").joinpath("currencies.csv").read_text("utf-8")
    return {
        row["code"]: Currency(int(row["minor_digits"]), _date(row["valid_from"]), _date(row["valid_to"]))
        for row in csv.DictReader(text.splitlines())
    }


CURRENCIES: Final = _read()

MINOR_DIGITS: Final = {code: currency.minor_digits for code, currency in CURRENCIES.items()}
"""Decimal digits of the minor unit by currency, withdrawn ones too: what was booked in them stays."""


def in_use(code: str, on: date) -> bool:
    """Whether the code is a currency in which something may be booked on that day."""
    currency = CURRENCIES.get(code)
    return (
        currency is not None
        and (currency.valid_from is None or currency.valid_from <= on)
        and (currency.valid_to is None or on <= currency.valid_to)
    )


def in_use_between(code: str, first: date, last: date) -> bool:
    """Whether the code is a currency that was in use on any day from `first` to `last`."""
    currency = CURRENCIES.get(code)
    return (
        currency is not None
        and (currency.valid_from is None or currency.valid_from <= last)
        and (currency.valid_to is None or first <= currency.valid_to)
    )
