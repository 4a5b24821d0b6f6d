"""S4: who could take a product up at a cut, and what is to be seen then, is decided by nothing that comes after the cut."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from hypothesis import given
from hypothesis import strategies as st
from scoring_svc.customers.policy import CustomerFacts
from scoring_svc.features.policy import ContactFact, Engagement, EngagementFact, FactKind, FeatureStandard
from scoring_svc.holdings.policy import Holding
from scoring_svc.ledger.policy import DailyActivity
from scoring_svc.products.policy import Eligibility, Link, Product, Words
from scoring_svc.related_sales.propensity import PropensityStandard, takes_up
from scoring_svc.shipped import load_method
from scoring_svc.trainings.cases import Known, case_at

CUT = date(2026, 3, 31)
ONE_DAY = timedelta(days=1)
HORIZON = 90
METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
WORDS = Words("产品", "product")
BASIC = Product("basic", "card", WORDS, 1, 100, "CNY", date(2020, 1, 1), holds_from_account_codes=("core-basic",))
GOLD = Product(
    "gold",
    "card",
    WORDS,
    1,
    100,
    "CNY",
    date(2020, 1, 1),
    eligibility=Eligibility(min_age=18, min_history_days=60, min_balance_minor=10_000),
    links=(Link("upgrade_of", "basic"), Link("complements", "fund")),
    holds_from_account_codes=("core-gold",),
)
FUND = Product("fund", "fund", WORDS, 3, 100, "CNY", date(2020, 1, 1))
CATALOGUE = (BASIC, GOLD, FUND)
FACTS = CustomerFacts(UUID(int=1), "individual", date(1980, 1, 1), date(2026, 1, 1))


def day(offset: int, amount: int, kind: str = "card") -> DailyActivity:
    """A posting so many days from the cut; after it if positive."""
    on = CUT + timedelta(days=offset)
    return DailyActivity(UUID(int=1), on, "CNY", kind, 1, max(amount, 0), min(amount, 0))


def holding(code: str, opened: int, closed: int | None = None) -> Holding:
    end = CUT + timedelta(days=closed) if closed is not None else None
    return Holding(uuid4(), code, "CNY", CUT + timedelta(days=opened), closed_on=end)


BEFORE = (day(-200, 500_000, "cash_deposit"), day(-40, -20_000), day(-3, -1_000))
HELD = (holding("core-basic", -200),)


def known(*held: Holding, days: Sequence[DailyActivity] = BEFORE, **more: Any) -> Known:
    return Known(UUID(int=1), days, held, **{"facts": FACTS, **more})


def seen(one: Known) -> dict[str, float | None] | None:
    case = case_at(METHOD, GOLD, CATALOGUE, one, CUT, HORIZON)
    return dict(case.example.features) if case else None


@given(
    later=st.lists(st.tuples(st.integers(1, 400), st.integers(-900_000, 900_000)), max_size=8),
    by=st.integers(0, 40),
)
def test_s4_shifting_what_lies_after_the_cut_shifts_no_feature(later: list[tuple[int, int]], by: int) -> None:
    postings = [day(offset + by, amount or 1) for offset, amount in later]
    openings = [holding("core-gold", offset + by) for offset, _ in later] + [holding("fund", offset + by) for offset, _ in later]
    told = Engagement(
        [ContactFact(CUT + timedelta(days=offset + by), "interaction", 0) for offset, _ in later],
        [
            EngagementFact(CUT + timedelta(days=offset + by), FactKind.COMPLAINT_OPENED, str(n))
            for n, (offset, _) in enumerate(later)
        ],
    )
    days = sorted((*BEFORE, *postings), key=lambda one: one.booked_on)
    closing = replace(HELD[0], closed_on=CUT + timedelta(days=1 + by), balance_minor=by, last_used_on=CUT + timedelta(days=by))
    assert seen(known(closing, *openings, days=days, engagement=told)) == seen(known(*HELD))


def test_s4_a_cut_a_day_later_sees_that_day_and_no_more() -> None:
    one = known(*HELD, holding("fund", 1), holding("core-gold", 2), days=(*BEFORE, day(1, -70_000), day(2, -80_000)))
    [today, tomorrow] = [case_at(METHOD, GOLD, CATALOGUE, one, cut, HORIZON) for cut in (CUT, CUT + ONE_DAY)]
    assert today is not None
    assert tomorrow is not None
    moved = (tomorrow.example.features["outflow_30_minor"] or 0) - (today.example.features["outflow_30_minor"] or 0)
    assert moved == 70_000
    assert (today.example.features["complement_held"], tomorrow.example.features["complement_held"]) == (0, 1)
    assert case_at(METHOD, GOLD, CATALOGUE, one, CUT + 2 * ONE_DAY, HORIZON) is None, "who holds it takes it up no more"


def test_s4_the_label_counts_openings_from_the_day_after_the_cut_to_the_last_of_the_horizon() -> None:
    for offset, outcome in ((0, False), (1, True), (HORIZON, True), (HORIZON + 1, False)):
        assert takes_up([holding("core-gold", offset)], GOLD, CUT, HORIZON) is outcome, offset
    assert not takes_up([holding("core-basic", 5)], GOLD, CUT, HORIZON)


@pytest.mark.parametrize(
    "one",
    [
        known(holding("core-gold", -100)),
        known(holding("gold", 0)),
        known(holding("core-gold", -100, closed=1)),
        known(days=(day(-59, 500_000, "cash_deposit"),)),
        known(days=(day(-200, 9_999, "cash_deposit"),)),
        known(days=(day(1, 500_000, "cash_deposit"),)),
        known(facts=replace(FACTS, birth_date=date(2010, 1, 1))),
        known(facts=None),
    ],
    ids=[
        "holds it",
        "opened at the cut",
        "closes it tomorrow",
        "short history",
        "low balance",
        "not there yet",
        "young",
        "age unknown",
    ],
)
def test_s4_who_could_not_take_it_up_is_no_example(one: Known) -> None:
    assert case_at(METHOD, GOLD, CATALOGUE, one, CUT, HORIZON) is None


def test_s4_who_held_it_once_is_an_example_again() -> None:
    features = seen(known(holding("core-gold", -190, closed=-10), *HELD))
    assert features is not None
    assert {name: features[name] for name in METHOD[PropensityStandard].words} == {
        "products_held": 1,
        "complement_held": 0,
        "lesser_held": 1,
        "held_before": 1,
        "days_since_opening": 190,
    }


def test_s4_every_feature_of_a_product_has_its_words() -> None:
    features = seen(known(*HELD))
    assert features is not None
    for name in features:
        words = METHOD[PropensityStandard].word(name, METHOD[FeatureStandard])
        assert words.zh
        assert words.en
    assert set(METHOD[PropensityStandard].left_out) <= set(features)
