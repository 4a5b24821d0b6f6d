"""S10: the curve, the coefficient and the top shares against closed forms; what they must be whatever the book."""

from datetime import date
from xml.etree import ElementTree

import numpy as np
import pytest
from guanxi_common.errors import Text
from guanxi_common.standards import parse_standards
from hypothesis import given
from hypothesis import strategies as st
from scoring_svc.concentration.picture import draw
from scoring_svc.concentration.policy import ConcentrationStandard, Measure, concentration, standard_for
from scoring_svc.standards import load_standards

PERCENTS = (1, 5, 10, 20, 50, 100)
books = st.lists(st.integers(0, 10**12), min_size=1, max_size=60).filter(any)


def of(values) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_s10_equal_values_have_no_concentration() -> None:
    found = concentration(of([700] * 200), PERCENTS)
    assert found.gini == pytest.approx(0, abs=1e-12)
    assert found.curve == pytest.approx(np.linspace(0, 1, 101))
    assert [one.share_bp for one in found.top] == [100, 500, 1000, 2000, 5000, 10_000]


def test_s10_one_customer_with_everything() -> None:
    found = concentration(of([0] * 99 + [5]), PERCENTS)
    assert found.gini == pytest.approx(0.99)
    assert (found.top[0].customers, found.top[0].share_bp) == (1, 10_000)
    assert found.curve[98:] == pytest.approx((0, 0, 1))


def test_s10_a_small_book_by_hand() -> None:
    """Of 1, 2, 3, 4: the lowest half carries 3 of 10; the mean difference gives 0.25."""
    found = concentration(of([3, 1, 4, 2]), (25, 50, 51))
    assert found.gini == pytest.approx(0.25)
    assert (found.curve[25], found.curve[50], found.curve[75]) == pytest.approx((0.1, 0.3, 0.6))
    assert [(one.customers, one.share_bp) for one in found.top] == [(1, 4000), (2, 7000), (3, 9000)]


@pytest.mark.parametrize(
    ("quantile", "gini", "curve_at_half"),
    [
        (lambda p: p, 1 / 3, 0.25),  # uniform: L = p²
        (lambda p: -np.log1p(-p), 1 / 2, 0.5 + 0.5 * np.log(0.5)),  # exponential: L = p + (1-p) ln(1-p)
        (lambda p: (1 - p) ** (-1 / 3), 1 / 5, 1 - 0.5 ** (2 / 3)),  # Pareto, α = 3: 1/(2α-1), L = 1-(1-p)^(1-1/α)
    ],
)
def test_s10_known_distributions(quantile, gini, curve_at_half) -> None:
    ranks = (np.arange(200_000) + 0.5) / 200_000
    found = concentration(np.rint(quantile(ranks) * 1e9).astype(np.int64), (20,))
    assert found.gini == pytest.approx(gini, abs=1e-4)
    assert found.curve[50] == pytest.approx(curve_at_half, abs=1e-4)


def test_s10_the_rule_of_80_and_20_on_a_pareto_book() -> None:
    alpha = np.log(5) / np.log(4)  # the exponent at which a fifth carries four fifths
    curve = 1 - (1 - np.linspace(0, 1, 1001)) ** (1 - 1 / alpha)
    found = concentration(np.rint(np.diff(curve) * 1e15).astype(np.int64), (20,))
    assert found.top[0].share_bp == pytest.approx(8000, abs=1)


def test_s10_customers_below_zero_stand_beside_the_curve_and_an_empty_book_has_none() -> None:
    found = concentration(of([-5, 10, -20, 30, 0]), PERCENTS)
    assert (found.customers, found.total_minor, found.below_zero, found.below_zero_minor) == (3, 40, 2, -25)
    assert found.gini == concentration(of([10, 30, 0]), PERCENTS).gini
    for empty in ([], [0, 0], [-3]):
        nothing = concentration(of(empty), PERCENTS)
        assert (nothing.total_minor, nothing.gini, nothing.top, nothing.curve) == (0, None, (), ())


@given(books, st.randoms(use_true_random=False))
def test_s10_it_is_what_the_mean_difference_says_and_blind_to_order_scale_and_size(values, random) -> None:
    found = concentration(of(values), PERCENTS)
    v = of(values).astype(np.float64)
    assert found.gini == pytest.approx(np.abs(v[:, None] - v[None, :]).mean() / (2 * v.mean()), abs=1e-9)
    assert 0 <= found.gini <= 1 - 1 / len(values) + 1e-12
    shuffled = random.sample(values, len(values))
    for same in (shuffled, [7 * value for value in values], values * 3):
        assert concentration(of(same), PERCENTS).gini == pytest.approx(found.gini, abs=1e-9)


@given(books)
def test_s10_the_curve_is_convex_from_nought_to_one_and_top_shares_rise(values) -> None:
    found = concentration(of(values), PERCENTS)
    curve = np.array(found.curve)
    assert (curve[0], curve[-1]) == (0, 1)
    assert np.diff(curve, 2).min() >= -1e-9
    assert np.all(curve <= np.linspace(0, 1, 101) + 1e-9)
    shares = [one.share_bp for one in found.top]
    assert shares == sorted(shares)
    assert shares[-1] == 10_000


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=30), st.data())
def test_s10_giving_to_a_poorer_customer_never_raises_the_coefficient(values, data) -> None:
    values = sorted(values)
    gap = values[-1] - values[0]
    given_away = data.draw(st.integers(0, gap // 2))
    if not any(values):
        return
    after = [values[0] + given_away, *values[1:-1], values[-1] - given_away]
    assert concentration(of(after), ()).gini <= concentration(of(values), ()).gini + 1e-12


def test_s10_the_picture_is_svg_with_text_as_text_in_both_languages() -> None:
    found = concentration(of([-5, 1, 2, 3, 94]), (1, 20))
    said = {}
    for locale in ("en", "zh"):
        text = draw(found, locale=locale, measure=Text("What <it> is", "含义"), currency="CNY", as_of=date(2026, 11, 23))
        assert text == draw(found, locale=locale, measure=Text("What <it> is", "含义"), currency="CNY", as_of=date(2026, 11, 23))
        root = ElementTree.fromstring(text)  # noqa: S314  # our own
        space = "{http://www.w3.org/2000/svg}"
        said[locale] = [one.text for one in root.iter(f"{space}text")]
        assert len(root.find(f"{space}polyline").attrib["points"].split()) == 101
    assert "Gini 0.700; top 1 %: 94.0 %; top 20 %: 94.0 %; 4 customers; 1 below zero left out" in said["en"]
    assert "基尼系数0.700；前1%客户占94.0%；前20%客户占94.0%；4位客户；另有1位为负，未计入" in said["zh"]
    empty = draw(concentration(of([]), ()), locale="zh", measure=Text("", ""), currency="CNY", as_of=date(2026, 11, 23))
    assert "合计为零" in empty
    assert "polyline" not in empty


def test_s10_every_measure_says_what_it_measures_and_rates_are_data() -> None:
    versions = load_standards(ConcentrationStandard, "concentration")
    for measure in Measure:
        text = versions[-1].describe(measure)
        assert text.en
        assert text.zh
    before, since = date(2026, 11, 23), versions[1].effective_from
    assert [standard_for(versions, Measure.MARGIN, day).version for day in (before, since)] == [1, 2]
    assert standard_for(versions, Measure.PRODUCT_MARGIN, before).version == 2
    whole = {"version": 1, "author": "a", "effective_from": "2026-01-01", "reason": "r", "window_days": 365,
             "top_percents": [20], "measures": [], "margin": {"balance_rate_bp": 1, "volume_rates_bp": {}}}  # fmt: skip
    with pytest.raises(ValueError, match="every measure"):
        parse_standards(ConcentrationStandard, [whole])
