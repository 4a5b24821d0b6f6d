"""What a treatment changed, and for whom: the effect, and models that rank customers by it (S5).

The treatment must have been given at random (a hold-out group); otherwise the difference is not its effect. A ranking is judged on
rows that its model did not see. Rows that it ranks alike are one step: no figure depends on the order in which the file holds them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.model_selection import StratifiedKFold

from scoring_svc.training.estimators import Kind
from scoring_svc.training.metrics import NORMAL_95, Estimate, Outcomes, ends_of_ties, wilson
from scoring_svc.training.model import MIN_OF_EACH, train
from scoring_svc.training.table import Column, Floats, Ints, InvalidFile, Table

FOLDS: Final = 5
DECILES: Final = 10
MIN_CELL: Final = 4 * MIN_OF_EACH
"""Rows of either outcome that each arm needs, so that every fold can be trained on."""
_RESAMPLES: Final = 400

Advance = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Effect:
    """Shares with the outcome among treated and untreated, and their difference with its 95 % interval; None for an arm without rows.

    Rows need not be whole: of rows ranked alike each tenth has its part.
    """

    treated_rows: float
    untreated_rows: float
    treated_share: float | None
    untreated_share: float | None
    difference: Estimate | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well one order finds those whom the treatment moves.

    `deciles` are the rows from the highest tenth down; of rows ranked alike, each tenth that they reach into has its part. `gain[i]`:
    additional outcomes per row of the book if only the first i + 1 tenths are treated. `qini`: the area between that curve and the line
    of treating at random, in outcomes per row.
    `over_response`: `qini` less that of the response-only model on the same rows. Intervals are by bootstrap.
    """

    name: str
    deciles: tuple[Effect, ...]
    gain: tuple[float, ...]
    qini: Estimate
    over_response: Estimate


@dataclass(frozen=True, slots=True)
class UpliftReport:
    """`rankings`: the two-model uplift, the response-only model, the one-column rule."""

    effect: Effect
    rankings: tuple[Ranking, ...]
    rule: str


TWO_MODELS, RESPONSE_ONLY, ONE_COLUMN = "two-model uplift", "response only", "one-column rule"


def effect(treated: Outcomes, outcome: Outcomes) -> Effect:
    """The effect among whole rows; see `_effect_of`."""
    n, m = int(treated.sum()), int((~treated).sum())
    return _effect_of(n, int(outcome[treated].sum()), m, int(outcome[~treated].sum()))


def _effect_of(n: float, hits: float, m: float, hits_without: float) -> Effect:
    """R. G. Newcombe, "Interval estimation for the difference between independent proportions", Stat. Med. 17 (1998), method 10."""
    one, two = wilson(hits, n) if n else None, wilson(hits_without, m) if m else None
    if one is None or two is None:
        return Effect(n, m, one.value if one else None, two.value if two else None, None)
    value = one.value - two.value
    low = value - float(np.hypot(one.value - one.low, two.high - two.value))
    high = value + float(np.hypot(one.high - one.value, two.value - two.low))
    return Effect(n, m, one.value, two.value, Estimate(value, low, high))


def judge_uplift(
    table: Table,
    treated: Outcomes,
    outcome: Outcomes,
    kind: Kind = Kind.LOGISTIC,
    *,
    seed: int = 0,
    advance: Advance = lambda: None,
) -> UpliftReport:
    """Rank every row by models that did not see it, in `FOLDS` folds, and report each ranking.

    `advance` is called once a fold. Raises `InvalidFile` where an arm holds too few rows of either outcome. Equal rows in any order
    give equal figures, to the bit.
    """
    _check_arms(treated, outcome)
    sorted_rows = np.lexsort((*table.columns.values(), outcome, treated))
    table, treated, outcome = table.take(sorted_rows), treated[sorted_rows], outcome[sorted_rows]
    scores = {name: np.empty(outcome.size) for name in (TWO_MODELS, RESPONSE_ONLY, ONE_COLUMN)}
    rules = []
    strata = 2 * treated.astype(np.int64) + outcome
    for seen, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(np.zeros(outcome.size), strata):
        known, asked = table.take(seen), table.take(unseen)
        arms, came = treated[seen], outcome[seen]
        with_it = train(known.take(arms), came[arms], kind, seed=seed).probability(asked)
        without = train(known.take(~arms), came[~arms], kind, seed=seed).probability(asked)
        column, rule = best_column(known, arms, came)
        # A model's level differs from fold to fold; ranks within the fold are comparable.
        scores[TWO_MODELS][unseen] = _ranks(with_it - without)
        scores[RESPONSE_ONLY][unseen] = _ranks(with_it)
        scores[ONE_COLUMN][unseen] = _ranks(rule(asked.columns[column]))
        rules.append(column)
        advance()
    base = _qini_samples(_Ranked.by(scores[RESPONSE_ONLY], treated, outcome), seed)
    rankings = tuple(rank(name, score, treated, outcome, base, seed=seed) for name, score in scores.items())
    return UpliftReport(effect(treated, outcome), rankings, max(sorted(set(rules)), key=rules.count))


def rank(name: str, score: Floats, treated: Outcomes, outcome: Outcomes, base: Floats, *, seed: int = 0) -> Ranking:
    """Judge one order; `base` are the Qini samples that it is compared with, from the same seed."""
    ranked = _Ranked.by(score, treated, outcome)
    samples = _qini_samples(ranked, seed)
    reached, gain = ranked.curve(np.ones(score.size))
    tenths = np.arange(1, DECILES + 1) / DECILES
    return Ranking(
        name,
        tuple(_effect_of(*(float(count) for count in counts)) for counts in ranked.counts(tenths)),
        tuple(np.interp(tenths, reached, gain).tolist()),
        _from_samples(samples),
        _from_samples(samples - base),
    )


@dataclass(frozen=True)
class _Ranked:
    """Rows from the highest score down; `ends` are the last rows of each score."""

    order: Ints
    treated: Outcomes
    outcome: Outcomes
    ends: Ints

    @classmethod
    def by(cls, score: Floats, treated: Outcomes, outcome: Outcomes) -> "_Ranked":
        order = np.argsort(-score, kind="stable")
        return cls(order, treated[order], outcome[order], ends_of_ties(score[order]))

    def sums(self, weight: Floats) -> Floats:
        """By score and from nought on: treated rows, those with the outcome, untreated rows, those with the outcome."""
        arms = (self.treated, self.treated & self.outcome, ~self.treated, ~self.treated & self.outcome)
        return np.stack([np.concatenate([[0.0], np.cumsum(weight * arm)[self.ends]]) for arm in arms])

    def curve(self, weight: Floats) -> tuple[Floats, Floats]:
        """The share of rows reached, and the additional outcomes per row of the book when they are treated (Radcliffe's, per capita)."""
        n, hits, m, hits_without = self.sums(weight)
        with_it = np.divide(hits, n, out=np.zeros(n.size), where=n > 0)
        without = np.divide(hits_without, m, out=np.zeros(m.size), where=m > 0)
        reached = (n + m) / weight.sum()
        return reached, np.asarray((with_it - without) * reached, dtype=np.float64)

    def qini(self, weight: Floats) -> float:
        """The area under the curve, straight between scores, less that of treating at random."""
        reached, gain = self.curve(weight)
        return float(np.diff(reached) @ (gain[1:] + gain[:-1])) / 2 - float(gain[-1]) / 2

    def counts(self, shares: Floats) -> Floats:
        """The four counts of `sums` between the shares; of rows ranked alike each part has its part."""
        sums = self.sums(np.ones(self.order.size))
        reached = (sums[0] + sums[2]) / self.order.size
        at = np.stack([np.interp(shares, reached, column) for column in sums], axis=1)
        return np.diff(at, axis=0, prepend=0.0)


def best_column(table: Table, treated: Outcomes, outcome: Outcomes) -> tuple[str, Callable[[Column], Floats]]:
    """The column, and the order of its values, that alone separates the moved from the others best in these rows.

    A number is cut at its quartiles, a text has its values; each group is ranked by the effect seen in it.
    """
    found: list[tuple[float, str, Callable[[Column], Floats]]] = []
    for name, values in table.columns.items():
        rule = _column_rule(values, treated, outcome)
        found.append((_Ranked.by(rule(values), treated, outcome).qini(np.ones(outcome.size)), name, rule))
    _, name, rule = max(found, key=lambda item: item[0])
    return name, rule


def _column_rule(values: Column, treated: Outcomes, outcome: Outcomes) -> Callable[[Column], Floats]:
    if values.dtype.kind == "U":
        known = {text: _shrunk(values == text, treated, outcome) for text in np.unique(values).tolist()}
        return lambda asked: np.array([known.get(text, 0.0) for text in asked.tolist()])
    seen = values[~np.isnan(values)]
    bounds = np.unique(np.quantile(seen, (0.25, 0.5, 0.75))) if seen.size else np.zeros(0)

    def group(asked: Column) -> NDArray[np.int64]:
        return np.where(np.isnan(asked), bounds.size + 1, np.searchsorted(bounds, asked, side="left")).astype(np.int64)

    groups = group(values)
    levels = np.array([_shrunk(groups == level, treated, outcome) for level in range(bounds.size + 2)])
    return lambda asked: np.asarray(levels[group(asked)], dtype=np.float64)


def _shrunk(rows: NDArray[np.bool_], treated: Outcomes, outcome: Outcomes) -> float:
    """The effect in these rows, drawn to none where they are few."""
    n, m = int((rows & treated).sum()), int((rows & ~treated).sum())
    if not n or not m:
        return 0.0
    weight = min(n, m) / (min(n, m) + MIN_CELL)
    return weight * float(outcome[rows & treated].mean() - outcome[rows & ~treated].mean())


def _qini_samples(ranked: _Ranked, seed: int) -> Floats:
    """The Qini of all rows, followed by that of bootstrap samples of them; one seed draws the same samples for every order."""
    rows = ranked.order.size
    draws = np.random.default_rng(seed)
    values = [ranked.qini(np.ones(rows))]
    for _ in range(_RESAMPLES):
        weight = np.bincount(draws.integers(0, rows, rows), minlength=rows).astype(np.float64)
        values.append(ranked.qini(weight[ranked.order]))
    return np.array(values)


def _from_samples(values: Floats) -> Estimate:
    reach = NORMAL_95 * float(values[1:].std(ddof=1))
    return Estimate(float(values[0]), float(values[0]) - reach, float(values[0]) + reach)


def _ranks(score: Floats) -> Floats:
    """Between 0 and 1; equal scores have the mean of their ranks."""
    return np.asarray((rankdata(score) - 0.5) / score.size, dtype=np.float64)


def _check_arms(treated: Outcomes, outcome: Outcomes) -> None:
    for name, arm in (("treated", treated), ("untreated", ~treated)):
        yes, no = int((arm & outcome).sum()), int((arm & ~outcome).sum())
        if min(yes, no) < MIN_CELL:
            raise InvalidFile(f"of the {name} rows {yes} have the outcome and {no} have not; both need {MIN_CELL}")
