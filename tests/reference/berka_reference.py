"""A second, independent answer to what the ledger must hold: one thread, whole numbers, nothing imported from the product.

The kill and replay tests compare the services' totals with these. It reads the published files, or any CSV file of the form of
`docs/guides/replay.md`, and gives per account (source, number) the count, sum and last date, in all and by activity class.

`python tests/reference/berka_reference.py [FILE.csv]` prints the totals as JSON lines.
"""

import csv
import json
import lzma
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BERKA = ROOT / "deploy/sandbox/berka/trans_1993-01_1994-03.asc.xz"
ACTIVITY_CLASSES = ROOT / "services/scoring-svc/src/scoring_svc/ledger/activity_classes.yaml"
LAST_COMPLETE_DAY = "940330"

AccountKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file. `booked_on` is an ISO date; `amount` is in minor units, and 0 in a reversal."""

    account: AccountKey
    external_id: str
    booked_on: str
    amount: int
    code: str
    stated_balance: int | None
    reverses: str | None


@dataclass(slots=True)
class Totals:
    """Of postings in force: not of reversed ones, nor of reversals. `last_booked_on` is an ISO date, "" where there is none."""

    count: int = 0
    sum_minor: int = 0
    last_booked_on: str = ""

    def add(self, row: Row) -> None:
        self.count += 1
        self.sum_minor += row.amount
        self.last_booked_on = max(self.last_booked_on, row.booked_on)


@dataclass(slots=True)
class AccountTotals(Totals):
    """`sum_minor` is the balance, for every account starts at nought. `stated_minor` is the bank's own figure for the end of the
    last day, where it gives one: of that day's stated balances the one nearest the sum, the order inside a day being unknown.
    """

    stated_minor: int | None = None
    by_class: dict[str, Totals] = field(default_factory=dict)


def berka_rows(path: Path = BERKA) -> Iterator[Row]:
    """The published transactions up to the last complete day."""
    with lzma.open(path, "rt", encoding="ascii", newline="") as file:
        for cells in csv.DictReader(file, delimiter=";"):
            if cells["date"] > LAST_COMPLETE_DAY:
                continue
            sign = 1 if cells["type"] == "PRIJEM" else -1
            day = cells["date"]
            yield Row(
                account=("berka", cells["account_id"]),
                external_id=cells["trans_id"],
                booked_on=f"19{day[:2]}-{day[2:4]}-{day[4:]}",
                amount=sign * _minor(cells["amount"]),
                code=f"{cells['operation'].strip()}|{cells['k_symbol'].strip()}",
                stated_balance=_minor(cells["balance"]),
                reverses=None,
            )


def csv_rows(path: Path) -> Iterator[Row]:
    """The rows of a file for `make replay`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for cells in csv.DictReader(file):
            yield Row(
                account=(cells["source"], cells["account"]),
                external_id=cells["external_id"],
                booked_on=cells["booked_on"],
                amount=int(cells["amount_minor"] or "0"),
                code=cells["code"],
                stated_balance=int(cells["balance_after_minor"]) if cells["balance_after_minor"] else None,
                reverses=cells.get("reverses") or None,
            )


def class_by_code(path: Path = ACTIVITY_CLASSES) -> tuple[Mapping[str, str], str]:
    """The mapping of codes to classes, and the default class."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document["codes"], document["default"]


def calculate(rows: Iterable[Row]) -> dict[AccountKey, AccountTotals]:
    """The totals of every account, whatever the order of the rows; a row that comes twice counts once."""
    codes, default = class_by_code()
    unique = {(row.account, row.external_id): row for row in rows}
    reversed_keys = {(row.account, row.reverses) for row in unique.values() if row.reverses is not None}
    totals: dict[AccountKey, AccountTotals] = {}
    in_force: dict[AccountKey, list[Row]] = {}
    for key, row in unique.items():
        account = totals.setdefault(row.account, AccountTotals())
        if row.reverses is None and key not in reversed_keys:
            account.add(row)
            account.by_class.setdefault(codes.get(row.code, default), Totals()).add(row)
            in_force.setdefault(row.account, []).append(row)
    for key_of_account, account in totals.items():
        account.stated_minor = _stated(account, in_force.get(key_of_account, []))
    return totals


def _stated(account: AccountTotals, rows: Iterable[Row]) -> int | None:
    stated = [row.stated_balance for row in rows if row.booked_on == account.last_booked_on and row.stated_balance is not None]
    return min(stated, key=lambda balance: (abs(balance - account.sum_minor), balance), default=None)


def _minor(amount: str) -> int:
    """`12.30` → 1230. The published amounts have two decimals, all of them."""
    whole, fraction = amount.removeprefix("-").split(".")
    minor = int(whole) * 100 + int(fraction)
    return -minor if amount.startswith("-") else minor


def main(arguments: list[str]) -> None:
    rows = csv_rows(Path(arguments[0])) if arguments else berka_rows()
    for (source, number), totals in sorted(calculate(rows).items()):
        line: dict[str, Any] = {"source": source, "account": number, **asdict(totals)}
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
