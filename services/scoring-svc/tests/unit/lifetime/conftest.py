"""CDNOW, the published sample on which the lifetime models are checked (tests/data/cdnow/ORIGIN.md)."""

import csv
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scoring_svc.lifetime.sufficient import Ints

CDNOW = Path(__file__).parents[2] / "data" / "cdnow"


@dataclass(frozen=True)
class Summary:
    """The published summary in hundredths of a week and cents, so that every figure is the printed one."""

    frequency: Ints
    recency: Ints
    age: Ints
    repeat_value: Ints


@dataclass(frozen=True)
class Purchases:
    """The log: customer, day number, cents."""

    customer: Ints
    day: Ints
    amount: Ints


@pytest.fixture(scope="session")
def cdnow_summary() -> Summary:
    with lzma.open(CDNOW / "cdnow_customers_summary.csv.xz", "rt") as lines:
        rows = [
            (int(r["x"]), round(float(r["t_x"]) * 100), round(float(r["T"]) * 100), round(float(r["zbar"]) * 100))
            for r in csv.DictReader(lines)
        ]
    x, recency, age, mean = np.array(rows, dtype=np.int64).T
    return Summary(x, recency, age, x * mean)


@pytest.fixture(scope="session")
def cdnow_purchases() -> Purchases:
    def read() -> Iterator[tuple[int, int, int]]:
        with lzma.open(CDNOW / "CDNOW_sample.txt.xz", "rt") as lines:
            for line in lines:
                _, sample_id, day, _, dollars = line.split()
                yield int(sample_id), date.fromisoformat(day).toordinal(), round(float(dollars) * 100)

    customer, day, amount = np.array(list(read()), dtype=np.int64).T
    return Purchases(customer, day, amount)
