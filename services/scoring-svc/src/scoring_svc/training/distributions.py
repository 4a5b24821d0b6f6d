"""How a figure was distributed in a training, and how far a later book has moved from it (PSI). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


BINS: Final = 10
OWN_BIN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Distribution:
    """How values fell in training: `shares` of the bins between the ascending `edges` (a value equal to an edge lies below it), and
    last the share of missing values. `rows` is on how many it rests."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    rows: int

    @classmethod
    def parse(cls, text: Mapping[str, Any]) -> "Distribution":
        return cls(tuple(text["edges"]), tuple(text["shares"]), int(text["rows"]))


def distribution_of(values: Floats) -> Distribution:
    """Bins of about equal size. A value that many rows have, often nought, is a bin of its own, or a shift away from it would not
    be seen."""
    known = values[~np.isnan(values)]
    quantiles = np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1], method="closest_observation") if known.size else known
    found = np.unique(quantiles)
    frequent = np.array([value for value in found if np.mean(known == value) >= OWN_BIN])
    edges = np.unique(np.concatenate([found, np.nextafter(frequent, -np.inf)]))
    return Distribution(tuple(edges.tolist()), tuple(_shares(values, edges).tolist()), int(values.size))


def population_stability(reference: Distribution, values: Floats) -> float:
    """PSI = Σ (now - then) ln(now / then) over the bins; 0 for no shift, above 0.25 by custom a large one.

    An empty bin counts as half a row of its sample, which keeps the figure finite. NaN values are a bin of their own.
    """
    if not values.size:
        return 0.0
    then = np.maximum(np.array(reference.shares), 0.5 / max(reference.rows, 1))
    now = np.maximum(_shares(values, np.array(reference.edges)), 0.5 / values.size)
    return float(np.sum((now - then) * np.log(now / then)))


def _shares(values: Floats, edges: Floats) -> Floats:
    missing = np.isnan(values)
    bins = np.where(missing, edges.size + 1, np.searchsorted(edges, values, side="left"))
    return np.bincount(bins, minlength=edges.size + 2) / max(values.size, 1)
