"""A user's CSV as typed columns. Whatever is wrong with a file is told with its line and column, never with the value."""

import csv
import gzip
import lzma
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texts = NDArray[np.str_]
Column = NDArray[Any]
"""Floats (NaN: missing) or Texts ("": missing)."""

MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
POSITIVE: Final = ("1", "1.0", "yes", "true", "y", "t", "是")
_MOSTLY_NUMBERS: Final = 0.9


class InvalidFile(ValueError):
    """A file that cannot be used. `line` counts from 1, the header's line; `column` is the column's name."""

    def __init__(self, detail: str, *, line: int | None = None, column: str | None = None) -> None:
        place = ", ".join(
            part for part in (f"line {line}" if line else "", f'column "{column}"' if column is not None else "") if part
        )
        super().__init__(f"{place}: {detail}" if place else detail)
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Table:
    """Columns of one length, in the file's order: numbers (NaN: missing) or texts ("": missing)."""

    columns: Mapping[str, Column]

    @property
    def rows(self) -> int:
        return next((column.size for column in self.columns.values()), 0)

    def take(self, rows: NDArray[np.bool_] | Ints) -> "Table":
        return Table({name: column[rows] for name, column in self.columns.items()})

    def without(self, names: Iterable[str]) -> "Table":
        left_out = frozenset(names)
        return Table({name: column for name, column in self.columns.items() if name not in left_out})


@dataclass(frozen=True)
class RawTable:
    """The cells as they stand, column by column, with the line on which each row began."""

    cells: Mapping[str, list[str]]
    lines: Ints

    def column(self, name: str) -> list[str]:
        """Raises `InvalidFile` for a column that the header does not name."""
        if name not in self.cells:
            raise InvalidFile(f"no such column; the header names {', '.join(self.cells)}", line=1, column=name)
        return self.cells[name]

    def line(self, row: int) -> int:
        return int(self.lines[row])


def open_text(file: BinaryIO, path: Path) -> Iterator[str]:
    """The lines of a file in UTF-8, unpacked where its name ends in .xz or .gz. Raises `InvalidFile` for other encodings."""
    lines: Iterable[bytes] = file
    if path.suffix == ".xz":
        lines = lzma.LZMAFile(file)  # noqa: SIM115 - the caller closes the file beneath
    elif path.suffix == ".gz":
        lines = gzip.GzipFile(fileobj=file)
    try:
        for number, line in enumerate(lines, start=1):
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidFile(f"not UTF-8 at byte {error.start + 1} of the line", line=number) from None
    except (lzma.LZMAError, gzip.BadGzipFile, EOFError):
        raise InvalidFile(f"not a whole {path.suffix} file") from None


def read_raw(lines: Iterable[str]) -> RawTable:
    """Read a CSV with a header; `,`, `;` or tab, whichever the header has most of. Raises `InvalidFile`."""
    rest = iter(lines)
    first = next(rest, "")
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(_chain(first, rest), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        _check_header(header)
        cells: list[list[str]] = [[] for _ in header]
        starts, line = [], rows.line_num + 1
        for row in rows:
            if row:
                _check_width(row, header, line)
                for column, cell in zip(cells, row, strict=True):
                    column.append(cell.strip())
                starts.append(line)
            line = rows.line_num + 1
    except csv.Error as error:
        raise InvalidFile(f"not CSV: {error}", line=rows.line_num) from None
    if not starts:
        raise InvalidFile("no row below the header", line=1)
    return RawTable(dict(zip(header, cells, strict=True)), np.array(starts, dtype=np.int64))


def typed(raw: RawTable, *, leave_out: Iterable[str] = (), categorical: Iterable[str] = ()) -> Table:
    """The columns with their types: numbers where every cell is one or is missing, else texts.

    A column that is nearly all numbers is refused at its first cell that is none, unless `categorical` names it: a slip of the
    pen must not turn a figure into thousands of categories. Names that the header lacks raise `InvalidFile`.
    """
    texts, skipped = frozenset(categorical), frozenset(leave_out)
    for name in texts | skipped:
        raw.column(name)
    return Table(
        {
            name: _texts(cells) if name in texts else _typed_column(raw, name, cells)
            for name, cells in raw.cells.items()
            if name not in skipped
        }
    )


def binary(raw: RawTable, name: str, *, positive: str | None = None) -> NDArray[np.bool_]:
    """A yes-or-no column. `positive` is the value that means yes; without it 1, yes, true, y, t or 是 does."""
    cells = raw.column(name)
    for row, cell in enumerate(cells):
        if cell.lower() in MISSING:
            raise InvalidFile("a value is missing", line=raw.line(row), column=name)
    values = list(dict.fromkeys(cells))
    if len(values) == 1:
        raise InvalidFile("every row has the same value; both must occur", column=name)
    if len(values) > 2:
        raise InvalidFile("a third value; yes and no are all it may have", line=raw.line(cells.index(values[2])), column=name)
    meant = positive if positive in values else next((v for v in values if v.lower() in POSITIVE), None)
    if meant is None or (positive is not None and positive not in values):
        raise InvalidFile("which of its two values means yes? Name it with --positive", column=name)
    return np.array([cell == meant for cell in cells])


def days(raw: RawTable, name: str) -> Ints:
    """A column of dates (YYYY-MM-DD or YYYYMMDD) as day numbers."""
    known: dict[str, int] = {}
    out = []
    for row, cell in enumerate(raw.column(name)):
        if cell not in known:
            try:
                known[cell] = date.fromisoformat(cell).toordinal()
            except ValueError:
                raise InvalidFile("not a date (YYYY-MM-DD or YYYYMMDD)", line=raw.line(row), column=name) from None
        out.append(known[cell])
    return np.array(out, dtype=np.int64)


def number(cell: str) -> float | None:
    """A finite number, NaN for a mark of a missing value, or None."""
    if cell.lower() in MISSING:
        return float("nan")
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _check_header(header: list[str]) -> None:
    if not any(header):
        raise InvalidFile("no header", line=1)
    for position, name in enumerate(header, start=1):
        if not name:
            raise InvalidFile(f"column {position} has no name", line=1)
        if name in header[: position - 1]:
            raise InvalidFile("named twice in the header", line=1, column=name)


def _check_width(row: list[str], header: list[str], line: int) -> None:
    if len(row) < len(header):
        raise InvalidFile(f"the row ends here, {len(header) - len(row)} cells too early", line=line, column=header[len(row)])
    if len(row) > len(header):
        raise InvalidFile(f"{len(row)} cells, and the header names {len(header)}", line=line)


def _typed_column(raw: RawTable, name: str, cells: list[str]) -> Column:
    numbers = [number(cell) for cell in cells]
    bad = [row for row, value in enumerate(numbers) if value is None]
    if not bad:
        return np.array(numbers, dtype=np.float64)
    if len(bad) < (1 - _MOSTLY_NUMBERS) * len(cells):
        raise InvalidFile("not a number (name the column with --categorical if it is none)", line=raw.line(bad[0]), column=name)
    return _texts(cells)


def _texts(cells: list[str]) -> Texts:
    return np.array(["" if cell.lower() in MISSING else cell for cell in cells], dtype=np.str_)
