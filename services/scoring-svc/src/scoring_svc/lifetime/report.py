"""Every lifetime model on one log of purchases: what `fit-lifetime` prints and an evaluation compares.

The models are fitted on the purchases up to the end of calibration and never see a later one. Where the log goes on, what they expect
of the hold-out is set beside what came.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from scoring_svc.lifetime import bgnbd, gamma_gamma, pareto_nbd
from scoring_svc.lifetime.bgnbd import BgNbd
from scoring_svc.lifetime.clv import ClvTerms, customer_lifetime_value
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.lifetime.gamma_gamma import GammaGamma
from scoring_svc.lifetime.goodness import (
    FrequencyFit,
    PurchasesByFrequency,
    cumulative_purchases,
    frequency_fit,
    purchases_by_frequency,
)
from scoring_svc.lifetime.pareto_nbd import ParetoNbd
from scoring_svc.lifetime.sufficient import DAYS_PER_WEEK, Floats, Ints, InvalidHistory, PurchaseSummary, compress, summarise

CURVE_POINTS = 8
"""Moments at which the curve of cumulative purchases is told."""


@dataclass(frozen=True, slots=True)
class PurchaseLog:
    """Single purchases in any order. `day` is a day number; `amount_minor` None: the log has no amounts."""

    customer: Ints
    day: Ints
    amount_minor: Ints | None


@dataclass(frozen=True, slots=True)
class HoldOut:
    """What came between the end of calibration and the last day of the log. `value_minor` None: the log has no amounts."""

    days: int
    purchases: int
    value_minor: int | None
    frequency_after: Ints

    @property
    def weeks(self) -> float:
        return self.days / DAYS_PER_WEEK


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Repeat purchases of the whole book by the end of a day, actual and as the model expects of new customers."""

    day: int
    actual: int
    expected: float


@dataclass(frozen=True, slots=True)
class PurchaseModel:
    """A fitted BG/NBD or Pareto/NBD: its fit in the calibration and, where there is one, its prediction of the hold-out."""

    name: str
    fit: Fit[BgNbd] | Fit[ParetoNbd]
    curve: tuple[CurvePoint, ...]
    histogram: FrequencyFit | None
    predicted: float | None
    by_frequency: PurchasesByFrequency | None


@dataclass(frozen=True, slots=True)
class ValueModel:
    """Gamma-Gamma. `without_value`: customers left out because their repeat purchases are worth nothing. `predicted_minor`: the
    hold-out's value, BG/NBD's purchases times each customer's expected value. `clv_minor`: the book's over twelve months."""

    fit: Fit[GammaGamma]
    without_value: int
    predicted_minor: float | None
    clv_minor: float | None


@dataclass(frozen=True, slots=True)
class LifetimeReport:
    """`summary` has one row per customer of the calibration. A refused fit stands where its model would."""

    summary: PurchaseSummary
    hold_out: HoldOut | None
    bgnbd: PurchaseModel | FitRefused
    pareto_nbd: PurchaseModel | FitRefused
    gamma_gamma: ValueModel | FitRefused | None


def report_on(log: PurchaseLog, *, end: int, step: Callable[[str], None] = lambda _: None) -> LifetimeReport:
    """Fit every model on the purchases up to and including the day `end`. `step` is told the name of each model before its fit.

    Raises `InvalidHistory` where no purchase lies in the calibration.
    """
    amounts = np.zeros_like(log.day) if log.amount_minor is None else log.amount_minor
    summary = summarise(log.customer, log.day, amounts, end=end)
    if not summary.customer.size:
        raise InvalidHistory("no purchase by the end of calibration")
    hold_out = _hold_out(log, summary, end)
    step("BG/NBD")
    first = _bgnbd(log, summary, hold_out, end)
    step("Pareto/NBD")
    second = _pareto_nbd(log, summary, hold_out, end)
    value = None
    if log.amount_minor is not None:
        step("Gamma-Gamma")
        value = _gamma_gamma(summary, hold_out, first)
    return LifetimeReport(summary, hold_out, first, second, value)


def models_of(report: LifetimeReport) -> Iterator[tuple[str, PurchaseModel | ValueModel | FitRefused]]:
    """The models by name, in the order of the report."""
    yield "BG/NBD", report.bgnbd
    yield "Pareto/NBD", report.pareto_nbd
    if report.gamma_gamma is not None:
        yield "Gamma-Gamma", report.gamma_gamma


def _hold_out(log: PurchaseLog, summary: PurchaseSummary, end: int) -> HoldOut | None:
    last = int(log.day.max())
    if last <= end:
        return None
    known = np.isin(log.customer, summary.customer)
    days = log.day[known]
    whole = summarise(log.customer[known], days, np.zeros_like(days), end=last)
    value = None if log.amount_minor is None else int(log.amount_minor[known & (log.day > end)].sum())
    after = whole.frequency - summary.frequency
    return HoldOut(last - end, int(after.sum()), value, after)


def _bgnbd(log: PurchaseLog, summary: PurchaseSummary, hold_out: HoldOut | None, end: int) -> PurchaseModel | FitRefused:
    histories = compress(summary.frequency, summary.recency, summary.age)
    found = bgnbd.fit(histories)
    if isinstance(found, FitRefused):
        return found
    predictor = bgnbd.Predictor(found.parameters)
    expected = None
    if hold_out is not None:
        expected = predictor.expected(summary.frequency, summary.recency, summary.age, hold_out.weeks)
    curve = _curve(log, summary, end, predictor.purchases_of_new)
    return _model("BG/NBD", found, curve, frequency_fit(found.parameters, histories), summary, hold_out, expected)


def _pareto_nbd(log: PurchaseLog, summary: PurchaseSummary, hold_out: HoldOut | None, end: int) -> PurchaseModel | FitRefused:
    found = pareto_nbd.fit(compress(summary.frequency, summary.recency, summary.age))
    if isinstance(found, FitRefused):
        return found
    expected = None
    if hold_out is not None:
        expected = pareto_nbd.expected(found.parameters, summary.frequency, summary.recency, summary.age, hold_out.weeks)
    curve = _curve(log, summary, end, lambda spans: pareto_nbd.purchases_of_new(found.parameters, spans))
    return _model("Pareto/NBD", found, curve, None, summary, hold_out, expected)


def _model(
    name: str,
    fit: Fit[BgNbd] | Fit[ParetoNbd],
    curve: tuple[CurvePoint, ...],
    histogram: FrequencyFit | None,
    summary: PurchaseSummary,
    hold_out: HoldOut | None,
    expected: Floats | None,
) -> PurchaseModel:
    if hold_out is None or expected is None:
        return PurchaseModel(name, fit, curve, histogram, None, None)
    by_frequency = purchases_by_frequency(summary.frequency, hold_out.frequency_after, expected)
    return PurchaseModel(name, fit, curve, histogram, float(expected.sum()), by_frequency)


def _curve(
    log: PurchaseLog, summary: PurchaseSummary, end: int, purchases_of_new: Callable[[Floats], Floats]
) -> tuple[CurvePoint, ...]:
    """At equal distances, with the end of calibration and the last day among the points."""
    first_day = end - summary.age
    start, last = int(first_day.min()), max(end, int(log.day.max()))
    days = np.unique(np.append(np.linspace(start, last, CURVE_POINTS + 1).round().astype(np.int64)[1:], [end, last]))
    known = np.isin(log.customer, summary.customer)
    repeats = _repeat_days(log.customer[known], log.day[known])
    actual = np.searchsorted(repeats, days, side="right")
    expected = cumulative_purchases(purchases_of_new, first_day, days)
    return tuple(CurvePoint(*point) for point in zip(days.tolist(), actual.tolist(), expected.tolist(), strict=True))


def _repeat_days(customer: Ints, day: Ints) -> Ints:
    """The day of every repeat purchase, ascending; purchases of one day are one."""
    order = np.lexsort((day, customer))
    who, when = customer[order], day[order]
    later = who[1:] == who[:-1]
    return np.sort(when[1:][later & (when[1:] != when[:-1])])


def _gamma_gamma(
    summary: PurchaseSummary, hold_out: HoldOut | None, purchases: PurchaseModel | FitRefused
) -> ValueModel | FitRefused:
    worth = (summary.frequency == 0) | (summary.repeat_value > 0)
    found = gamma_gamma.fit(summary.frequency[worth], summary.repeat_value[worth])
    if isinstance(found, FitRefused):
        return found
    left_out = int(np.count_nonzero(~worth))
    if isinstance(purchases, FitRefused) or not isinstance(purchases.fit.parameters, BgNbd):
        return ValueModel(found, left_out, None, None)
    predictor = bgnbd.Predictor(purchases.fit.parameters)
    x, recency, age, value = summary.frequency, summary.recency, summary.age, summary.repeat_value
    clv = float(customer_lifetime_value(predictor, found.parameters, x, recency, age, value, ClvTerms()).sum())
    predicted = None
    if hold_out is not None:
        expected = predictor.expected(x, recency, age, hold_out.weeks)
        predicted = float(expected @ gamma_gamma.expected_value(found.parameters, x, value))
    return ValueModel(found, left_out, predicted, clv)
