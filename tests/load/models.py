"""Lifetime models and RFM beside `lifetimes` and pandas, in one run, on CDNOW and on a book drawn from the BG/NBD model itself with
CDNOW's parameters, on which `lifetimes` converges as well."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter
from scoring_svc.lifetime import bgnbd
from scoring_svc.lifetime.bgnbd import BgNbd, Predictor
from scoring_svc.lifetime.clv import ClvTerms, customer_lifetime_value
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.lifetime.gamma_gamma import GammaGamma
from scoring_svc.lifetime.sufficient import Ints, compress
from scoring_svc.rfm.policy import cells, quintile_bounds

from tests.load.measure import Contender, Row, row, take_turns

MILLION = 1_000_000
SLOW_ROUNDS = 2
Book = tuple[Ints, Ints, Ints]
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


def drawn_book(size: int, seed: int = 1) -> tuple[Ints, Ints, Ints]:
    """Frequency, recency and age in days of `size` customers of the BG/NBD model with the parameters `TRUE`, 26 to 103 weeks old."""
    random = np.random.default_rng(seed)
    age = random.integers(180, 720, size)
    span = 7 / random.gamma(TRUE.r, 1 / TRUE.alpha, size)
    drop_out = random.beta(TRUE.a, TRUE.b, size)
    frequency, recency, moment = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64), np.zeros(size)
    alive = np.arange(size)
    while alive.size:
        moment[alive] += random.exponential(span[alive])
        alive = alive[moment[alive] <= age[alive]]
        frequency[alive] += 1
        recency[alive] = np.maximum(np.ceil(moment[alive]).astype(np.int64), 1)
        alive = alive[random.random(alive.size) >= drop_out[alive]]
    return frequency, recency, age


async def measure() -> list[Row]:
    book = drawn_book(MILLION)
    return [
        *await _cdnow(),
        *await _fit_million(book),
        *await _score_million(book),
        *await _score_one(book),
        *await _clv(book),
        *await _rfm(book),
    ]


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


async def _fit_million(book: Book) -> list[Row]:
    x, t, age = book
    weeks_t, weeks_age = t / 7, age / 7
    yesterday = bgnbd.fit(compress(*drawn_book(MILLION // 10, seed=2)))
    assert isinstance(yesterday, Fit)
    figures = await take_turns(
        {
            "cold": once(lambda: _fitted(bgnbd.fit(compress(x, t, age)))),
            "warm": once(lambda: _fitted(bgnbd.fit(compress(x, t, age), start=yesterday.parameters))),
            "lifetimes": once(lambda: BetaGeoFitter().fit(x, weeks_t, weeks_age)),
        },
        rounds=SLOW_ROUNDS,
    )
    return [
        row("BG/NBD fit, 1M, cold", figures, "lifetimes", "fits/s", 15, ours="cold"),
        row("BG/NBD fit, 1M, from the parameters of another day", figures, "lifetimes", "fits/s", 40, ours="warm"),
    ]


def _fitted(found: Fit[BgNbd] | FitRefused) -> None:
    """A refused fit would be fast, and worth nothing."""
    if isinstance(found, FitRefused):
        raise AssertionError(found.text_en)


def _peer() -> BetaGeoFitter:
    fitted = BetaGeoFitter(penalizer_coef=0.0)
    fitted.params_ = pd.Series({"r": TRUE.r, "alpha": TRUE.alpha, "a": TRUE.a, "b": TRUE.b})
    fitted.predict = fitted.conditional_expected_number_of_purchases_up_to_time  # as its own fit sets it
    return fitted


async def _score_million(book: Book) -> list[Row]:
    x, t, age = book
    weeks_t, weeks_age = t / 7, age / 7
    peer, predictor = _peer(), Predictor(TRUE)

    def theirs() -> None:
        peer.conditional_probability_alive(x, weeks_t, weeks_age)
        peer.conditional_expected_number_of_purchases_up_to_time(12.0, x, weeks_t, weeks_age)

    figures = await take_turns(
        {
            "ours": once(lambda: predictor.alive_and_expected(x, t, age, 12.0)),
            "lifetimes": once(theirs),
            "copying the columns": once(lambda: (x.copy(), t.copy(), age.copy())),
        }
    )
    return [
        row("P(alive) + expected, 1M", figures, "lifetimes", "runs/s", 15),
        row("P(alive) + expected, 1M", figures, "copying the columns", "runs/s", None),
    ]


async def _score_one(book: Book) -> list[Row]:
    """Customer by customer, as the scorer does it after a posting; every call is another customer of the book."""
    peer, ours = _peer(), Predictor(TRUE).scorer(12.0)
    customers = list(zip(*(column[:MILLION:500].tolist() for column in book), strict=True))
    in_weeks = [(x, t / 7, age / 7) for x, t, age in customers]

    def each(score: Callable[[Any, Any, Any], object], of: list[Any]) -> Contender:
        async def run() -> int:
            for x, t, age in of:
                score(x, t, age)
            return len(of)

        return run

    def theirs(x: float, t: float, age: float) -> None:
        peer.conditional_probability_alive(x, t, age)
        peer.conditional_expected_number_of_purchases_up_to_time(12.0, x, t, age)

    contenders = {"ours": each(ours, customers), "lifetimes": each(theirs, in_weeks), "an empty call": each(_nothing, customers)}
    figures = await take_turns(contenders)
    return [
        row("P(alive) + expected, one customer", figures, "lifetimes", "customers/s", 15),
        row("P(alive) + expected, one customer", figures, "an empty call", "customers/s", None),
    ]


def _nothing(x: int, t: int, age: int) -> tuple[int, int, int]:
    return x, t, age


async def _clv(book: Book) -> list[Row]:
    x, t, age = book
    weeks_t, weeks_age = t / 7, age / 7
    value = x * np.random.default_rng(3).integers(500, 20_000, x.size)
    mean = value / np.maximum(x, 1)
    spending = GammaGamma(p=6.2488, q=3.7446, v=1544.77)
    theirs = GammaGammaFitter()
    theirs.params_ = pd.Series({"p": spending.p, "q": spending.q, "v": spending.v})
    peer, predictor, terms = _peer(), Predictor(TRUE), ClvTerms(days_per_month=30)
    columns = [pd.Series(column) for column in (x, weeks_t, weeks_age, mean)]
    figures = await take_turns(
        {
            "ours": once(lambda: customer_lifetime_value(predictor, spending, x, t, age, value, terms)),
            "lifetimes": once(lambda: theirs.customer_lifetime_value(peer, *columns, time=12, discount_rate=0.01, freq="W")),
        },
        rounds=SLOW_ROUNDS,
    )
    return [row("CLV 12 months, 1M", figures, "lifetimes", "runs/s", 100)]


async def _rfm(book: Book) -> list[Row]:
    frequency, recency, age = book
    days, acts = age - recency, frequency + 1
    money = acts * np.random.default_rng(4).integers(500, 2_000_000, acts.size)

    def pandas() -> None:
        table = pd.DataFrame({"r": days, "f": acts, "m": money})
        for name in table:
            pd.qcut(table[name].rank(method="first"), 5, labels=False)

    figures = await take_turns(
        {
            "ours": once(lambda: cells(quintile_bounds(days, acts, money, "bench"), days, acts, money)),
            "pandas": once(pandas),
        }
    )
    return [row("RFM quintiles and cells, 1M", figures, "pandas", "runs/s", 8)]
