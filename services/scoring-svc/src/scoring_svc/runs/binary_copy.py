"""PostgreSQL's binary COPY format, read into and written from numpy without a loop over rows. Pure.

Source: PostgreSQL documentation, COPY, "Binary Format". A row is a count of fields, and for each field its length and its bytes; NULL has
the length -1 and no bytes. Rows of one *shape* (which fields are NULL, how long each text is) are therefore of one width, and an array
of records in the byte order of the network is such rows, as it lies in memory.
"""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER: Final = struct.pack("!h", -1)
EPOCH: Final = date(2000, 1, 1)
"""Dates are days, and instants microseconds, from here (UTC)."""

KINDS: Final = {
    "uuid": "V16",
    "bool": "?",
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float8": ">f8",
    "date": ">i4",
    "timestamptz": ">i8",
}

Fields = Sequence[tuple[str, str | int | None]]
"""Names, and what each holds: one of `KINDS`, a text of so many bytes, or None for NULL."""

_READ_AT_ONCE: Final = 1 << 20


class Shape:
    """Rows of one shape. `encode` and `decode` are each other's inverse."""

    def __init__(self, fields: Fields) -> None:
        self._lengths: dict[str, int] = {}
        parts: list[tuple[str, str]] = [("#", ">i2")]
        for name, kind in fields:
            parts.append((f"#{name}", ">i4"))
            if kind is not None:
                parts.append((name, f"V{kind}" if isinstance(kind, int) else KINDS[kind]))
            self._lengths[name] = -1 if kind is None else np.dtype(parts[-1][1]).itemsize
        self.dtype = np.dtype(parts)

    def encode(self, rows: int, values: Mapping[str, Any]) -> bytes:
        """`values`: a column, or one value for all rows, of each field that is not NULL; a text is bytes."""
        found = np.empty(rows, dtype=self.dtype)
        found["#"] = len(self._lengths)
        for name, length in self._lengths.items():
            found[f"#{name}"] = length
            if length >= 0:
                value = values[name]
                found[name] = np.void(value) if isinstance(value, bytes) else value
        return found.tobytes()

    def decode(self, data: bytes | memoryview) -> NDArray[Any]:
        """Whole rows as records; raises `ValueError` for rows of another shape."""
        found = np.frombuffer(data, dtype=self.dtype)
        same = bool((found["#"] == len(self._lengths)).all())
        if not same or not all((found[f"#{name}"] == length).all() for name, length in self._lengths.items()):
            raise ValueError("a row of another shape")
        return found


class ColumnReader:
    """Takes what COPY sends, in pieces of any length, and keeps it as columns in the machine's own byte order."""

    def __init__(self, fields: Fields) -> None:
        self._shape = Shape(fields)
        self._names = [name for name, _ in fields]
        self._kept: dict[str, list[NDArray[Any]]] = {name: [] for name in self._names}
        self._waiting = bytearray()
        self._begun = False

    async def feed(self, piece: bytes) -> None:
        self._waiting += piece
        if len(self._waiting) >= _READ_AT_ONCE:
            self._take()

    def finish(self) -> dict[str, NDArray[Any]]:
        """The columns; raises `ValueError` where the end is missing. The reader is empty afterwards."""
        self._take()
        if bytes(self._waiting) != TRAILER:
            raise ValueError("the copy ended in the middle of a row")
        columns = {}
        for name in self._names:
            pieces = self._kept.pop(name)
            columns[name] = np.concatenate(pieces) if pieces else _native(np.empty(0, dtype=self._shape.dtype)[name])
        return columns

    def _take(self) -> None:
        if not self._begun and len(self._waiting) >= len(HEADER):
            if not self._waiting.startswith(HEADER):
                raise ValueError("not a binary copy")
            del self._waiting[: len(HEADER)]
            self._begun = True
        width = self._shape.dtype.itemsize
        whole = (len(self._waiting) - len(TRAILER)) // width * width
        if not self._begun or whole <= 0:
            return
        rows = self._shape.decode(bytes(self._waiting[:whole]))
        del self._waiting[:whole]
        for name in self._names:
            self._kept[name].append(_native(rows[name]))


def days(on: date) -> int:
    """A date as the format has it."""
    return (on - EPOCH).days


def microseconds(at: datetime) -> int:
    """An instant as the format has it, exactly."""
    since = at.astimezone(UTC) - datetime(2000, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _native(column: NDArray[Any]) -> NDArray[Any]:
    return column.astype(column.dtype.newbyteorder("="), copy=True)
