"""From a table's columns to the matrices that models take. All that is learnt is learnt from the training rows and kept as text."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from guanxi_common.errors import Text
from numpy.typing import NDArray

from scoring_svc.training.table import Column, Floats, InvalidFile, Table, Texts

_QUANTILES: Final = np.linspace(0, 1, 33)
_HINGES: Final = (0.25, 0.5, 0.75)
MAX_CATEGORIES: Final = 40
MIN_CATEGORY_ROWS: Final = 10


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """`levels[i]` is the share of training values below `knots[i]`, equal ones counting half; `typical` is the median."""

    name: str
    knots: tuple[float, ...]
    levels: tuple[float, ...]
    typical: float

    @property
    def width(self) -> int:
        return 2 + self._bends

    def plain(self, values: Floats) -> Floats:
        return values

    def terms(self, values: Floats) -> Floats:
        """The level with a bend at each quartile, and whether the value is missing; beyond the range it stays at the end."""
        missing = np.isnan(values)
        level = np.where(missing, 0.5, np.interp(values, self.knots, self.levels)) - 0.5
        bends = [np.maximum(level + 0.5 - hinge, 0) for hinge in _HINGES[: self._bends]]
        return np.stack([level, *bends, missing.astype(np.float64)], axis=1)

    @property
    def _bends(self) -> int:
        return len(_HINGES) if len(self.knots) > 2 else 0

    def say(self, value: float) -> Text:
        return Text("missing", "缺失") if np.isnan(value) else Text(f"{value:,.10g}", f"{value:,.10g}")


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """`categories` from the most frequent down; a rare or unseen one, or none, belongs to none of them."""

    name: str
    categories: tuple[str, ...]

    @property
    def typical(self) -> float:
        return 0.0

    @property
    def width(self) -> int:
        return len(self.categories)

    def plain(self, values: Texts) -> Floats:
        codes = {category: float(code) for code, category in enumerate(self.categories)}
        return np.array([codes.get(value, np.nan) for value in values.tolist()], dtype=np.float64)

    def terms(self, values: Texts) -> Floats:
        codes = np.arange(len(self.categories), dtype=np.float64)
        return np.asarray(self.plain(values)[:, None] == codes, dtype=np.float64)

    def say(self, value: float) -> Text:
        return (
            Text("another value", "其他") if np.isnan(value) else Text(self.categories[int(value)], self.categories[int(value)])
        )


@dataclass(frozen=True, slots=True)
class Encoder:
    """`left_out` names the columns that carry nothing: one value only, or a different text in nearly every row."""

    columns: tuple[NumberColumn | CategoryColumn, ...]
    left_out: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def is_category(self) -> NDArray[np.bool_]:
        return np.array([isinstance(column, CategoryColumn) for column in self.columns], dtype=bool)

    @property
    def typical(self) -> Floats:
        return np.array([column.typical for column in self.columns])

    def plain(self, table: Table) -> Floats:
        """(rows, columns): numbers as they are, categories as codes, NaN where missing."""
        return np.stack([column.plain(_values(table, column)) for column in self.columns], axis=1)

    def terms(self, table: Table) -> Floats:
        """(rows, terms) for a linear model; `owners()` tells to which column a term belongs."""
        return np.concatenate([column.terms(_values(table, column)) for column in self.columns], axis=1)

    def owners(self) -> NDArray[np.int64]:
        widths = [column.width for column in self.columns]
        return np.repeat(np.arange(len(widths)), widths)


def learn(table: Table) -> Encoder:
    """Learn the columns of the training rows. Raises `InvalidFile` if none of them carries anything."""
    learnt: list[NumberColumn | CategoryColumn] = []
    left_out = []
    for name, values in table.columns.items():
        column = _category(name, values) if values.dtype.kind == "U" else _number(name, values)
        if column is None:
            left_out.append(name)
        else:
            learnt.append(column)
    if not learnt:
        raise InvalidFile("no column that a model could learn from")
    return Encoder(tuple(learnt), tuple(left_out))


def _number(name: str, values: Floats) -> NumberColumn | None:
    known = np.sort(values[~np.isnan(values)])
    if not known.size or (known[0] == known[-1] and known.size == values.size):
        return None
    knots = np.unique(np.quantile(known, _QUANTILES, method="closest_observation"))
    levels = (np.searchsorted(known, knots, "left") + np.searchsorted(known, knots, "right")) / (2 * known.size)
    return NumberColumn(name, tuple(knots.tolist()), tuple(levels.tolist()), float(np.median(known)))


def _category(name: str, values: Texts) -> CategoryColumn | None:
    counts = Counter(value for value in values.tolist() if value)
    frequent = [category for category, rows in counts.most_common(MAX_CATEGORIES) if rows >= MIN_CATEGORY_ROWS]
    constant = len(counts) < 2 and counts.total() == values.size
    return CategoryColumn(name, tuple(frequent)) if frequent and not constant else None


def _values(table: Table, column: NumberColumn | CategoryColumn) -> Column:
    values = table.columns.get(column.name)
    if values is None:
        raise InvalidFile("the model was trained on this column, and the file lacks it", line=1, column=column.name)
    if (values.dtype.kind == "U") != isinstance(column, CategoryColumn):
        raise InvalidFile("of another type than in training", column=column.name)
    return values
