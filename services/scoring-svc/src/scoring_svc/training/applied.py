"""A trained version at work on one customer: its probability, taken apart into whole basis points that add up to it.

With x the calibrated log-odds of the customer, b those of a typical one and p(·) the logistic function, p(x) - p(b) is shared among the
features in proportion to their parts of x - b: the integral of each feature's gradient along the straight line from b to x
(M. Sundararajan et al., "Axiomatic attribution for deep networks", ICML 2017, sec. 3, in log-odds). The shares are rounded by largest
remainders, so that typical customer + features = the probability, exactly. For trees the parts are what the log-odds would lose with
the feature alone at its typical value; what features do only together stands with the other features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np
from scipy.special import expit

from scoring_svc.features.policy import Features
from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.training.table import Floats, Table

if TYPE_CHECKING:
    # Its libraries take seconds to import; a process without an active version never needs them.
    from scoring_svc.training.model import Model

WHOLE_BP: Final = 10_000
DIGITS: Final = 9
"""Log-odds are rounded to so many digits: what a library's sums may differ by lies far below, so equal inputs give equal points."""


@dataclass(frozen=True, slots=True)
class Part:
    """One feature's share of a probability, in basis points, with its value and that of a typical customer."""

    feature: str
    value: float | None
    typical: float
    points: int


@dataclass(frozen=True, slots=True)
class Parts:
    """`typical_bp` + the points of `shown` + `others_bp` = the probability, exactly; `others` features stand behind `others_bp`."""

    typical_bp: int
    shown: tuple[Part, ...]
    others_bp: int
    others: int

    @property
    def value_bp(self) -> int:
        return self.typical_bp + sum(part.points for part in self.shown) + self.others_bp


@dataclass(frozen=True)
class Applied:
    """A version of a model, ready to score. Immutable; safe to share between threads."""

    model_id: UUID
    number: int
    model: "Model"
    currencies: frozenset[str]
    min_history_days: int

    def applies(self, history: CustomerHistory) -> bool:
        """Whether the customer is of the kind that it was trained on; else the rules apply."""
        return self.covers(history.currency, (history.as_of - history.first_day).days)

    def covers(self, currency: str, history_days: int) -> bool:
        return currency in self.currencies and history_days >= self.min_history_days

    def value_bp(self, features: Features) -> int:
        """The probability in basis points."""
        return _points(self._log_odds(one_row(features, self.model.encoder.names))[0])

    def taken_apart(self, features: Features, most: int) -> Parts:
        """The probability with the `most` strongest features named, the strongest first."""
        names = self.model.encoder.names
        log_odds, parts = self._log_odds(one_row(features, names))
        typical_bp = _points(self.model.base)
        points = shares(self.model.base, log_odds, parts, _points(log_odds) - typical_bp)
        order = sorted(range(len(names)), key=lambda index: (-abs(points[index]), names[index]))
        shown = [index for index in order if points[index]][:most]
        typical = dict(zip(names, self.model.encoder.typical.tolist(), strict=True))
        return Parts(
            typical_bp,
            tuple(Part(names[index], features[names[index]], typical[names[index]], points[index]) for index in shown),
            sum(points) - sum(points[index] for index in shown),
            len(names) - len(shown),
        )

    def _log_odds(self, row: Table) -> tuple[float, Floats]:
        """The log-odds and each feature's part of them, in the encoder's order."""
        if self.model.kind.value == "logistic":
            parts = np.round(self.model.contributions(row)[0], DIGITS)
            return round(self.model.base + float(parts.sum()), DIGITS), parts
        names, typical = self.model.encoder.names, self.model.encoder.typical
        columns = {}
        for index, name in enumerate(names):
            column = np.repeat(row.columns[name], len(names) + 1)
            column[index + 1] = typical[index]
            columns[name] = column
        found = np.round(self.model.log_odds(Table(columns)), DIGITS)
        return float(found[0]), found[0] - found[1:]


def one_row(features: Features, names: Sequence[str]) -> Table:
    return Table({name: np.array([_number(features[name])]) for name in names})


def matrix_of(features: Sequence[Features], names: Sequence[str]) -> Mapping[str, Floats]:
    """The columns of many customers, for a comparison with the training."""
    return {name: np.array([_number(one[name]) for one in features]) for name in names}


def shares(base: float, log_odds: float, parts: Floats, total: int) -> list[int]:
    """`total` basis points among the parts and, last, what they do together; the sum is exact."""
    together = log_odds - base - float(parts.sum())
    whole = log_odds - base
    slope = float(expit(base) * (1 - expit(base))) if abs(whole) < 1e-6 else float((expit(log_odds) - expit(base)) / whole)
    exact = np.append(parts, together) * slope * WHOLE_BP
    floors = np.floor(exact).astype(np.int64)
    missing = total - int(floors.sum())
    order = np.argsort(-(exact - floors), kind="stable")
    floors += missing // floors.size
    floors[order[: missing % floors.size]] += 1
    return [int(value) for value in floors]


def _points(log_odds: float) -> int:
    return round(float(expit(round(log_odds, DIGITS))) * WHOLE_BP)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
