"""Lifetime models and RFM beside `lifetimes` and pandas, in one run. The fit of a million is not compared: `lifetimes` does not
converge on our synthetic book."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter
from scoring_svc.lifetime import bgnbd
from scoring_svc.lifetime.bgnbd import BgNbd, Predictor
from scoring_svc.lifetime.sufficient import compress
from scoring_svc.rfm.policy import cells, quintile_bounds

from tests.load.measure import Contender, Row, row, take_turns

MILLION = 1_000_000
TRUE = BgNbd(r=0.2426, alpha=4.4135, a=0.7929, b=2.4258)


def once(work: Callable[[], Any]) -> Contender:
    async def run() -> int:
        work()
        return 1

    return run


def cdnow() -> pd.DataFrame:
    found = sorted(Path(__file__).parents[2].rglob("cdnow_customers_summary.csv*"))
    if not found:
        raise FileNotFoundError("the CDNOW summary is not in the repository")
    return pd.read_csv(found[0])


def synthetic(size: int, seed: int = 1) -> tuple[Any, Any, Any]:
    """Frequency, recency and age in days of customers who follow BG/NBD roughly."""
    random = np.random.default_rng(seed)
    age = random.integers(180, 720, size)
    frequency = np.minimum(random.poisson(random.gamma(0.3, 6.0, size)), age)
    recency = np.where(frequency > 0, np.maximum(1, (age * random.beta(2, 1.5, size)).astype(np.int64)), 0)
    return frequency.astype(np.int64), recency.astype(np.int64), age.astype(np.int64)


async def measure() -> list[Row]:
    return [*await _cdnow(), *await _million()]


async def _cdnow() -> list[Row]:
    table = cdnow()
    columns = list(table.columns)
    x, t, age = (table[name].to_numpy(dtype=float) for name in columns[1:4])
    days = [np.rint(column * 7).astype(np.int64) for column in (t, age)]
    histories = compress(x.astype(np.int64), days[0], days[1])
    figures = await take_turns(
        {
            "ours": once(lambda: bgnbd.fit(histories)),
            "lifetimes": once(lambda: BetaGeoFitter().fit(x, t, age)),
        }
    )
    return [row("BG/NBD fit, CDNOW 2,357", figures, "lifetimes", "fits/s", 25)]


async def _million() -> list[Row]:
    x, t, age = synthetic(MILLION)
    fitted = BetaGeoFitter(penalizer_coef=0.0)
    fitted.params_ = pd.Series({"r": TRUE.r, "alpha": TRUE.alpha, "a": TRUE.a, "b": TRUE.b})
    weeks_t, weeks_age = t / 7, age / 7
    predictor = Predictor(TRUE)

    def theirs_alive() -> None:
        fitted.conditional_probability_alive(x, weeks_t, weeks_age)
        fitted.conditional_expected_number_of_purchases_up_to_time(12.0, x, weeks_t, weeks_age)

    def quintiles_pandas() -> None:
        table = pd.DataFrame({"r": t, "f": x, "m": x * 100})
        for name in table:
            pd.qcut(table[name].rank(method="first"), 5, labels=False)

    def quintiles_ours() -> None:
        cells(quintile_bounds(t, x, x * 100, "bench"), t, x, x * 100)

    alive = await take_turns(
        {"ours": once(lambda: predictor.alive_and_expected(x, t, age, 12.0)), "lifetimes": once(theirs_alive)}
    )
    rfm = await take_turns({"ours": once(quintiles_ours), "pandas": once(quintiles_pandas)})
    return [
        row("P(alive) + expected, 1M", alive, "lifetimes", "runs/s", 15),
        row("RFM quintiles and cells, 1M", rfm, "pandas", "runs/s", 8),
    ]
