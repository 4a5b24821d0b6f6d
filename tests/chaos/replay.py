"""What the kill test replays: the 20 accounts of the fixture many times over, moved near to today, with outflows and reversals."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from guanxi_sandbox.shift import choose_shift
from guanxi_sandbox.transactions import IntakeItem, batches, read_dataset, write_dataset

FIXTURE = Path(__file__).parents[1] / "fixtures" / "berka_20_accounts.csv"
CURRENCY = "CZK"
REVERSED_SHARE = 0.03
OUTFLOW_SHARE = 0.25
OUTFLOW_MINOR = -60_000_000


def write_parts(folder: Path, source: str, today: date, *, copies: int, parts: int, rng: Random) -> tuple[Path, list[Path]]:
    """Write one file with everything, and the same cut into parts; both by date, a reversal some days after (or before) its original."""
    items = sorted(_items(source, today, copies, rng), key=lambda item: item.booked_on)
    size = -(-len(items) // parts)
    files = [_write(folder / f"part-{n:02}.csv", part) for n, part in enumerate(batches(items, size))]
    return _write(folder / "whole.csv", items), files


def account_numbers(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return sorted({row["account"] for row in csv.DictReader(lines)})


def _write(path: Path, items: Iterable[IntakeItem]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        write_dataset(items, file)
    return path


def _items(source: str, today: date, copies: int, rng: Random) -> Iterator[IntakeItem]:
    rows = list(read_dataset(FIXTURE, choose_shift(today)))
    for copy in range(copies):
        for row in rows:
            account = f"{row.account_number}-{copy}"
            yield _posting(source, account, row.external_id, row.booked_on, row.amount_minor, row.code)
            if rng.random() < REVERSED_SHARE:
                when = min(row.booked_on + timedelta(days=rng.randrange(-5, 20)), today)
                yield IntakeItem(source, account, f"undo-{row.external_id}", when, None, None, "", reverses=row.external_id)
        for number in sorted({row.account_number for row in rows}):
            if rng.random() < OUTFLOW_SHARE:
                yield _posting(source, f"{number}-{copy}", "outflow", today, OUTFLOW_MINOR, "cash_withdrawal")


def _posting(source: str, account: str, external_id: str, booked_on: date, amount: int | None, code: str) -> IntakeItem:
    return IntakeItem(source, account, external_id, booked_on, amount, CURRENCY, code)
