"""Between the table `score` and the columns of a book: what is copied out, and the rows that are copied in. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring_svc.retention.columns import BANDS, NONE, RULES
from scoring_svc.rfm.policy import RfmBounds
from scoring_svc.runs.binary_copy import Fields, Shape, days, microseconds
from scoring_svc.runs.book import Book, Lifetimes, Scored
from scoring_svc.scores.columns import COLUMNS

_WIDE: Final = frozenset({"balance_minor", "median_balance_minor", "outflow_minor", "inflow_minor", "rfm_monetary_minor"})
_FOUND_ANEW: Final = frozenset({"currency", "p_alive_bp", "expected_acts_90_days", "rfm_cell"})
_KEPT: Final = tuple(name for name in COLUMNS if name not in _FOUND_ANEW)
_NULLABLE: Final = ("silent_days", "income_overdue_days", "p_alive_bp")

_BAND = "CASE band " + " ".join(f"WHEN '{band}' THEN {number}" for number, band in enumerate(BANDS)) + f" ELSE {NONE} END"
_REASON = f"coalesce(array_position(ARRAY[{', '.join(repr(str(code)) for code in RULES)}], main_reason), 0) - 1"

_PLAIN = "detail IS NULL AND band IN (" + ", ".join(f"'{band}'" for band in BANDS) + ")"

_READ: Final[tuple[tuple[str, str | int, str], ...]] = (
    ("customer_id", "uuid", "customer_id"),
    ("as_of", "date", "as_of"),
    ("silence_judged_on", "date", "silence_judged_on"),
    ("plain", "bool", _PLAIN),
    ("currency", 3, "coalesce(currency, '???')"),
    ("old_value_bp", "int4", "value_bp"),
    ("old_band", "int4", _BAND),
    ("old_main", "int4", _REASON),
    *((name, "int8" if name in _WIDE else "int4", f"coalesce({name}, {NONE})") for name in _KEPT),
)

READ_FIELDS: Final[Fields] = [(name, kind) for name, kind, _ in _READ]
COPY_OUT: Final = f"SELECT {', '.join(text for _, _, text in _READ)} FROM score"  # noqa: S608  # constants
PLAIN: Final = f"({_PLAIN})"
"""Which rows are made anew; all others are taken over as they are."""

WRITTEN: Final = (
    "customer_id",
    "as_of",
    "known_at",
    "value_bp",
    "band",
    "main_reason",
    "model_version",
    "bands_version",
    "silence_judged_on",
    *COLUMNS,
)
"""`detail` stays null."""
NEWS: Final = ("customer_id", "band", "main_reason")


@dataclass(frozen=True)
class RowWriter:
    """Makes rows of scored blocks. `bands`: the bounds by currency; the models are named by `model_version`."""

    book: Book
    as_of: date
    known_at: datetime
    model_version: str
    bands: Mapping[str, RfmBounds | None]
    _shapes: dict[int, Shape] = field(default_factory=dict)

    def rows(self, block: slice, scored: Scored, found: Lifetimes) -> Iterator[bytes]:
        """The plain rows of a block, shape by shape."""
        columns: dict[str, NDArray[Any]] = {
            name: self.book.columns[name][block] for name in ("customer_id", "silence_judged_on", *_KEPT)
        }
        columns |= {"value_bp": scored.value_bp, "rfm_cell": scored.cell}
        columns |= {"p_alive_bp": found.p_alive_bp[block], "expected_acts_90_days": found.expected[block]}
        key = (self.book.currency[block] * (len(RULES) + 1) + scored.main + 1) * len(BANDS) + scored.band
        for name in _NULLABLE:
            key = key * 2 + (columns[name] == NONE)
        for number, rows in _groups(key, np.flatnonzero(self.book.columns["plain"][block])):
            shape = self._shapes.get(number)
            if shape is None:
                shape = self._shapes[number] = Shape(self._fields(number))
            values: dict[str, Any] = {name: column.take(rows) for name, column in columns.items()}
            yield shape.encode(rows.size, values | self._constants(number))

    def _parts(self, number: int) -> tuple[str, str, str | None, list[bool]]:
        """Currency, band, main reason, and which of `_NULLABLE` are null."""
        nulls = [bool(number >> at & 1) for at in reversed(range(len(_NULLABLE)))]
        rest, band = divmod(number >> len(_NULLABLE), len(BANDS))
        currency, main = divmod(rest, len(RULES) + 1)
        return self.book.currencies[currency], BANDS[band], str(RULES[main - 1]) if main else None, nulls

    def _constants(self, number: int) -> dict[str, Any]:
        currency, band, main, _ = self._parts(number)
        bounds = self.bands[currency]
        return {
            "as_of": days(self.as_of),
            "known_at": microseconds(self.known_at),
            "band": band.encode(),
            "main_reason": main.encode() if main else None,
            "model_version": self.model_version.encode(),
            "bands_version": (bounds.origin if bounds else "none").encode(),
            "currency": currency.encode(),
        }

    def _fields(self, number: int) -> Fields:
        currency, _, _, nulls = self._parts(number)
        constants = self._constants(number).items()
        kinds: dict[str, str | int | None] = dict.fromkeys(_WIDE, "int8")
        kinds |= {"customer_id": "uuid", "as_of": "date", "known_at": "timestamptz", "silence_judged_on": "date"}
        kinds |= {"expected_acts_90_days": "float8"}
        kinds |= {name: len(value) if value else None for name, value in constants if not isinstance(value, int)}
        kinds |= dict.fromkeys((name for name, null in zip(_NULLABLE, nulls, strict=True) if null))
        if "p_alive_bp" in kinds:  # null: then so is this
            kinds["expected_acts_90_days"] = None
        if self.bands[currency] is None:
            kinds["rfm_cell"] = None
        return [(name, kinds.get(name, "int4")) for name in WRITTEN]


def news(book: Book, block: slice, scored: Scored) -> NDArray[np.int64]:
    """The rows of the book, within a block, whose plain score has changed."""
    old_value, old_band, old_main, plain = (
        book.columns[name][block] for name in ("old_value_bp", "old_band", "old_main", "plain")
    )
    changed = (scored.value_bp != old_value) | (scored.band != old_band) | (scored.main != old_main)
    return np.flatnonzero(changed & plain) + (block.start or 0)


def news_rows(book: Book, changed: NDArray[np.int64]) -> Iterator[bytes]:
    """What was told of them before, to be copied into `score_news`."""
    told = (book.columns["old_main"].take(changed).astype(np.int64) + 1) * len(BANDS) + book.columns["old_band"].take(changed)
    for number, rows in _groups(told, np.arange(changed.size)):
        main, band = divmod(number, len(BANDS))
        texts = {"band": BANDS[band].encode(), "main_reason": str(RULES[main - 1]).encode() if main else None}
        shape = Shape([("customer_id", "uuid"), *((name, len(text) if text else None) for name, text in texts.items())])
        yield shape.encode(rows.size, {"customer_id": book.columns["customer_id"].take(changed[rows]), **texts})


def _groups(key: NDArray[np.int64], rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The rows by key; within a key in their order."""
    keys = key.take(rows).astype(np.int32)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys.take(order), prepend=NONE))
    for group in np.split(order, starts[1:]) if order.size else ():
        yield int(keys[group[0]]), rows.take(group)
