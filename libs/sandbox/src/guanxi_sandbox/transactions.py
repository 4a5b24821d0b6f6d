"""Intake items from the data set and from CSV files of the documented form (`docs/guides/replay.md`), in date order."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

from guanxi_common.text import is_readable_line

from guanxi_sandbox.berka import CURRENCY, SOURCE, Berka
from guanxi_sandbox.shift import Shift

MAX_BATCH = 5_000
REQUIRED_COLUMNS = ("source", "account", "external_id", "booked_on", "amount_minor", "currency", "code", "balance_after_minor")
OPTIONAL_COLUMNS = ("occurred_at", "reverses")

_INT8_MAX = 2**63 - 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IntakeItem:
    """One posting (`amount_minor` set, credit positive) or one reversal (`reverses` names the original's external id).

    `balance_after_minor` is what the bank stated after it, where it stated it; the intake does not take it.
    """

    source: str
    account_number: str
    external_id: str
    booked_on: date
    amount_minor: int | None
    currency: str | None
    code: str
    balance_after_minor: int | None = None
    occurred_at: datetime | None = None
    reverses: str | None = None

    def body(self) -> dict[str, Any]:
        """The item of `POST /v1/transactions:batchCreate`."""
        body: dict[str, Any] = {
            "source": self.source,
            "account_number": self.account_number,
            "external_id": self.external_id,
            "booked_on": self.booked_on.isoformat(),
        }
        if self.reverses is not None:
            return body | {"reverses": self.reverses}
        body |= {"money": {"amount": self.amount_minor, "currency": self.currency}, "code": self.code}
        if self.occurred_at is not None:
            body["occurred_at"] = self.occurred_at.isoformat()
        return body


class DatasetError(ValueError):
    """A file does not fit the documented form. Names line and column (the header is line 1), never the value."""

    def __init__(self, path: Path, line: int, column: str, reason: str) -> None:
        super().__init__(f"{path}: line {line}, column {column}: {reason}")
        self.line, self.column, self.reason = line, column, reason


def berka_items(data: Berka, shift: Shift) -> Iterator[IntakeItem]:
    """The data set's transactions, by date and then id."""
    for row in data.transactions:
        yield IntakeItem(
            source=SOURCE,
            account_number=str(row.account_id),
            external_id=str(row.transaction_id),
            booked_on=shift.apply(row.booked_on),
            amount_minor=row.amount_minor,
            currency=CURRENCY,
            code=row.code,
            balance_after_minor=row.stated_balance_minor,
        )


def batches(items: Iterable[T], size: int = MAX_BATCH) -> Iterator[list[T]]:
    """Cut into lists of at most `size`, keeping the order."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def read_dataset(path: Path, shift: Shift | None = None) -> Iterator[IntakeItem]:
    """Read a CSV file (UTF-8, `,`, header) row by row, in the file's own order; `shift` moves its dates, if given.

    Raises `DatasetError` at the first row that does not fit; what was yielded before it is good.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        _check_header(path, reader.fieldnames or [])
        try:
            for row in reader:
                yield _Row(path, reader.line_num, row).item(shift or Shift())
        except csv.Error as error:
            raise DatasetError(path, reader.line_num, "(row)", str(error)) from error


def write_dataset(items: Iterable[IntakeItem], file: TextIO) -> None:
    """Write items in the documented form, so that `read_dataset` gives them back."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS))
    for item in items:
        writer.writerow(
            (
                item.source,
                item.account_number,
                item.external_id,
                item.booked_on.isoformat(),
                "" if item.amount_minor is None else item.amount_minor,
                item.currency or "",
                item.code,
                "" if item.balance_after_minor is None else item.balance_after_minor,
                item.occurred_at.isoformat() if item.occurred_at else "",
                item.reverses or "",
            )
        )


def _check_header(path: Path, columns: Iterable[str]) -> None:
    present = list(columns)
    for column in REQUIRED_COLUMNS:
        if column not in present:
            raise DatasetError(path, 1, column, "missing from the header")
    for position, column in enumerate(present):
        if column not in REQUIRED_COLUMNS + OPTIONAL_COLUMNS:
            raise DatasetError(path, 1, ascii(column)[1:-1], "not a known column")
        if column in present[:position]:
            raise DatasetError(path, 1, column, "named twice")


def _iso_date(text: str) -> date:
    """`date.fromisoformat` alone would also take `20260105` and `2026-W01-1`."""
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError
    return day


def _whole_number(text: str) -> int:
    """`int` alone would also take blanks, underscores and other scripts' digits."""
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise ValueError
    return int(text)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a file, with what an error message needs."""

    path: Path
    line: int
    cells: dict[str, Any]

    def item(self, shift: Shift) -> IntakeItem:
        if None in self.cells or None in self.cells.values():
            raise DatasetError(self.path, self.line, "(row)", "not as many cells as the header")
        reverses = self._optional("reverses", self._name)
        if reverses is not None and self.cells["amount_minor"]:
            raise DatasetError(self.path, self.line, "amount_minor", "must be empty in a reversal")
        return IntakeItem(
            source=self._token("source"),
            account_number=self._name("account"),
            external_id=self._name("external_id"),
            booked_on=shift.apply(self._parse("booked_on", _iso_date, "not a date (YYYY-MM-DD)")),
            amount_minor=self._integer("amount_minor") if reverses is None else None,
            currency=self._currency() if reverses is None else None,
            code=self._code(),
            balance_after_minor=self._optional("balance_after_minor", self._integer),
            occurred_at=self._optional("occurred_at", self._instant),
            reverses=reverses,
        )

    def _parse(self, column: str, parse: Callable[[str], T], reason: str) -> T:
        try:
            return parse(self.cells[column])
        except ValueError as error:
            raise DatasetError(self.path, self.line, column, reason) from error

    def _optional(self, column: str, parse: Callable[[str], T]) -> T | None:
        return parse(column) if self.cells.get(column) else None

    def _token(self, column: str) -> str:
        text: str = self.cells[column]
        if not (0 < len(text) <= 64) or not all("!" <= character <= "~" for character in text):
            raise DatasetError(self.path, self.line, column, "needs 1 to 64 printable ASCII characters without spaces")
        return text

    def _name(self, column: str) -> str:
        text: str = self.cells[column]
        if not 0 < len(text) <= 255 or text != text.strip() or not is_readable_line(text):
            raise DatasetError(self.path, self.line, column, "needs 1 to 255 printable characters, no space at either end")
        return text

    def _integer(self, column: str) -> int:
        number = self._parse(column, _whole_number, "not a whole number of minor units")
        if abs(number) > _INT8_MAX:
            raise DatasetError(self.path, self.line, column, "beyond 64 bits")
        return number

    def _code(self) -> str:
        text: str = self.cells["code"]
        if len(text) > 64 or any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
            raise DatasetError(self.path, self.line, "code", "needs at most 64 characters of UTF-8, no control characters")
        return text

    def _currency(self) -> str:
        text: str = self.cells["currency"]
        if len(text) != 3 or not text.isascii() or not text.isalpha() or not text.isupper():
            raise DatasetError(self.path, self.line, "currency", "not an ISO 4217 code")
        return text

    def _instant(self, column: str) -> datetime:
        instant = self._parse(column, datetime.fromisoformat, "not an RFC 3339 time")
        if instant.tzinfo is None:
            raise DatasetError(self.path, self.line, column, "has no zone")
        return instant
