"""What a treatment changed, and for whom: the effect, and models that rank customers by it (S5).

The treatment must have been given at random (a hold-out group); otherwise the difference is not its effect. A ranking is judged on
rows that its model did not see.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from scoring_svc.training.estimators import Kind
from scoring_svc.training.metrics import NORMAL_95, Estimate, Outcomes, wilson
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
    """Shares with the outcome among treated and untreated, and their difference with its 95 % interval."""

    treated_rows: int
    untreated_rows: int
    treated_share: float
    untreated_share: float
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well one order finds those whom the treatment moves.

    `deciles` are the rows from the highest tenth down. `gain[i]`: additional outcomes per row of the book if only the first i + 1
    tenths are treated. `qini`: the area between that curve and the line of treating at random, in outcomes per row.
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
    """R. G. Newcombe, "Interval estimation for the difference between independent proportions", Stat. Med. 17 (1998), method 10.

    An arm without rows gives an interval from -1 to 1.
    """
    n, m = int(treated.sum()), int((~treated).sum())
    if not n or not m:
        return Effect(n, m, float("nan"), float("nan"), Estimate(float("nan"), -1.0, 1.0))
    one, two = wilson(int(outcome[treated].sum()), n), wilson(int(outcome[~treated].sum()), m)
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

    `advance` is called once a fold. Raises `InvalidFile` where an arm holds too few rows of either outcome.
    """
    _check_arms(treated, outcome)
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
    base = _qini_samples(scores[RESPONSE_ONLY], treated, outcome, seed)
    rankings = tuple(rank(name, score, treated, outcome, base, seed=seed) for name, score in scores.items())
    return UpliftReport(effect(treated, outcome), rankings, max(sorted(set(rules)), key=rules.count))


def rank(name: str, score: Floats, treated: Outcomes, outcome: Outcomes, base: Floats, *, seed: int = 0) -> Ranking:
    """Judge one order; `base` are the Qini samples that it is compared with, from the same seed."""
    order = np.argsort(-score, kind="stable")
    parts = np.array_split(order, DECILES)
    samples = _qini_samples(score, treated, outcome, seed)
    curve = _gain(treated[order], outcome[order], np.ones(order.size))
    ends = np.cumsum([part.size for part in parts]) - 1
    return Ranking(
        name,
        tuple(effect(treated[part], outcome[part]) for part in parts),
        tuple(curve[ends].tolist()),
        _from_samples(samples),
        _from_samples(samples - base),
    )


def best_column(table: Table, treated: Outcomes, outcome: Outcomes) -> tuple[str, Callable[[Column], Floats]]:
    """The column, and the order of its values, that alone separates the moved from the others best in these rows.

    A number is cut at its quartiles, a text has its values; each group is ranked by the effect seen in it.
    """
    found: list[tuple[float, str, Callable[[Column], Floats]]] = []
    for name, values in table.columns.items():
        rule = _column_rule(values, treated, outcome)
        order = np.argsort(-rule(values), kind="stable")
        found.append((_qini(treated[order], outcome[order], np.ones(order.size)), name, rule))
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


def _gain(treated: Outcomes, outcome: Outcomes, weight: Floats) -> Floats:
    """Additional outcomes per row of the book when the rows up to each are treated (Radcliffe's, per capita)."""
    n, m = np.cumsum(weight * treated), np.cumsum(weight * ~treated)
    with_it = np.divide(np.cumsum(weight * (treated & outcome)), n, out=np.zeros(n.size), where=n > 0)
    without = np.divide(np.cumsum(weight * (~treated & outcome)), m, out=np.zeros(m.size), where=m > 0)
    return np.asarray((with_it - without) * (n + m) / weight.sum(), dtype=np.float64)


def _qini(treated: Outcomes, outcome: Outcomes, weight: Floats) -> float:
    curve = _gain(treated, outcome, weight)
    share = weight / weight.sum()
    return float(share @ curve - curve[-1] / 2)


def _qini_samples(score: Floats, treated: Outcomes, outcome: Outcomes, seed: int) -> Floats:
    """The Qini of all rows, followed by that of bootstrap samples of them; one seed draws the same samples for every order."""
    order = np.argsort(-score, kind="stable")
    arms, came = treated[order], outcome[order]
    draws = np.random.default_rng(seed)
    values = [_qini(arms, came, np.ones(order.size))]
    for _ in range(_RESAMPLES):
        weight = np.bincount(draws.integers(0, order.size, order.size), minlength=order.size).astype(np.float64)
        values.append(_qini(arms, came, weight[order]))
    return np.array(values)


def _from_samples(values: Floats) -> Estimate:
    reach = NORMAL_95 * float(values[1:].std(ddof=1))
    return Estimate(float(values[0]), float(values[0]) - reach, float(values[0]) + reach)


def _ranks(score: Floats) -> Floats:
    order: Ints = np.argsort(np.argsort(score, kind="stable"), kind="stable")
    return np.asarray((order + 0.5) / score.size, dtype=np.float64)


def _check_arms(treated: Outcomes, outcome: Outcomes) -> None:
    for name, arm in (("treated", treated), ("untreated", ~treated)):
        yes, no = int((arm & outcome).sum()), int((arm & ~outcome).sum())
        if min(yes, no) < MIN_CELL:
            raise InvalidFile(f"of the {name} rows {yes} have the outcome and {no} have not; both need {MIN_CELL}")
