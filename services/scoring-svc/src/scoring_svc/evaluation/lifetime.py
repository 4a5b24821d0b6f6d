"""The lifetime models on CDNOW: the published tables, the hold-out of 39 weeks, and what ranks customers (S2)."""

from datetime import date
from typing import Final, TypeVar

import numpy as np

from scoring_svc.evaluation.figures import Check, references
from scoring_svc.evaluation.sources import Sources, lines_of
from scoring_svc.lifetime import bgnbd, gamma_gamma, pareto_nbd
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.lifetime.sufficient import Ints, PurchaseHistories, PurchaseSummary, compress, summarise
from scoring_svc.training.metrics import auc

P = TypeVar("P")

END_OF_CALIBRATION: Final = date(1997, 9, 30).toordinal()
HOLD_OUT_WEEKS: Final = 39
_HUNDREDTHS: Final = 100
"""The published summary gives weeks and dollars with two decimals; hundredths keep every printed digit."""


def check_lifetime(sources: Sources) -> tuple[Check, ...]:
    """Every published figure beside ours, in the order of the references."""
    ours = {**_parameters(sources), **_hold_out(sources)}
    return tuple(Check(ref.name, ours[ref.name], ref.value, ref.tolerance, ref.digits) for ref in references().lifetime)


def _parameters(sources: Sources) -> dict[str, float]:
    raw = sources.table("cdnow/cdnow_customers_summary.csv.xz")
    frequency = np.array([int(cell) for cell in raw.column("x")])
    recency, age, mean = (_hundredths(raw.column(name)) for name in ("t_x", "T", "zbar"))
    histories = compress(frequency, recency, age, ticks_per_unit=float(_HUNDREDTHS))
    first, second = _fitted(bgnbd.fit(histories)), _fitted(pareto_nbd.fit(histories))
    value = _fitted(gamma_gamma.fit(frequency, frequency * mean))
    b, p, g = first.parameters, second.parameters, value.parameters
    return {
        "BG/NBD r": b.r,
        "BG/NBD α": b.alpha,
        "BG/NBD a": b.a,
        "BG/NBD b": b.b,
        "BG/NBD log-likelihood": first.log_likelihood,
        "Pareto/NBD r": p.r,
        "Pareto/NBD α": p.alpha,
        "Pareto/NBD s": p.s,
        "Pareto/NBD β": p.beta,
        "Pareto/NBD log-likelihood": second.log_likelihood,
        "Gamma-Gamma customers who bought again": value.customers,
        "Gamma-Gamma p": g.p,
        "Gamma-Gamma q": g.q,
        "Gamma-Gamma v": g.v / _HUNDREDTHS,
    }


def _hold_out(sources: Sources) -> dict[str, float]:
    calibration, whole = (
        read_purchases(sources, END_OF_CALIBRATION),
        read_purchases(sources, END_OF_CALIBRATION + 7 * HOLD_OUT_WEEKS),
    )
    known = (calibration.frequency, calibration.recency, calibration.age)
    found = _fitted(bgnbd.fit(_histories(calibration)))
    alive, expected = bgnbd.Predictor(found.parameters).alive_and_expected(*known, HOLD_OUT_WEEKS)
    bought = whole.frequency - calibration.frequency
    again = bought > 0
    return {
        "Hold-out of 39 weeks, actual purchases": int(bought.sum()),
        "Hold-out of 39 weeks, BG/NBD predicts": float(expected.sum()),
        "AUC 'buys at all' by the expectation": auc(again, expected),
        "AUC 'buys at all' by frequency": auc(again, calibration.frequency.astype(np.float64)),
        "AUC 'buys at all' by recency (time since the last purchase)": auc(
            again, (calibration.recency - calibration.age).astype(np.float64)
        ),
        "AUC 'buys at all' by P(alive) alone": auc(again, alive),
    }


def read_purchases(sources: Sources, end: int) -> PurchaseSummary:
    """The published log up to day `end`; it has no header."""
    with lines_of(sources.data / "cdnow" / "CDNOW_sample.txt.xz") as lines:
        rows = [
            (int(row[1]), date.fromisoformat(row[2]).toordinal(), round(float(row[4]) * 100)) for row in map(str.split, lines)
        ]
    customer, day, amount = np.array(rows, dtype=np.int64).T
    return summarise(customer, day, amount, end=end)


def _histories(summary: PurchaseSummary) -> PurchaseHistories:
    return compress(summary.frequency, summary.recency, summary.age)


def _hundredths(cells: list[str]) -> Ints:
    return np.array([round(float(cell) * _HUNDREDTHS) for cell in cells], dtype=np.int64)


def _fitted(found: Fit[P] | FitRefused) -> Fit[P]:
    if isinstance(found, FitRefused):
        raise ValueError(f"a fit on CDNOW was refused: {found.text_en}")
    return found
