"""S4: each type has its own eligibility, every refusal names its rule and values, and what fits is ranked by expected value."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from scoring_svc.customers.policy import Consent, CustomerFacts, RiskProfile
from scoring_svc.holdings.policy import Holding
from scoring_svc.products.policy import Eligibility, Link, Product, Words
from scoring_svc.related_sales.policy import (
    Judged,
    RelatedSaleStandard,
    SaleReason,
    SaleType,
    Shadow,
    allowed_channels,
    assess,
    features,
)
from scoring_svc.situations.policy import Complaint, Situation
from scoring_svc.standards import load_standards

TODAY = date(2026, 11, 25)
STANDARD = load_standards(RelatedSaleStandard, "related_sales")[-1]
FACTS = CustomerFacts(
    customer_id=uuid4(),
    customer_type="individual",
    birth_date=date(1980, 5, 1),
    known_since=date(2026, 1, 1),
    risk_profile=RiskProfile(3, date(2027, 1, 1)),
    consents=(Consent("marketing", "phone", granted=True),),
)


def product(code: str, **more: Any) -> Product:
    fields: dict[str, Any] = {
        "family": "fund",
        "name": Words(code, code),
        "risk_class": 2,
        "margin_bp": 100,
        "currency": "CNY",
        "valid_from": date(2026, 1, 1),
    }
    return Product(code=code, **{**fields, **more})


def holding(code: str, *, days: int = 400, **more: Any) -> Holding:
    return Holding(uuid4(), code, "CNY", TODAY - timedelta(days=days), **more)


def situation(*held: Holding, **more: Any) -> Situation:
    fields: dict[str, Any] = {
        "facts": FACTS,
        "currency": "CNY",
        "balance_minor": 10_000_000,
        "history_days": 700,
        "acts_recent": 20,
    }
    return Situation(customer_id=FACTS.customer_id, today=TODAY, holdings=held, **{**fields, **more})


def only(found: Situation, *catalogue: Product) -> dict[str, tuple[SaleType, dict[str, Mapping[str, Any]]]]:
    return {
        one.product.code: (one.type, {refusal.rule: refusal.values for refusal in one.refusals})
        for one in assess(found, catalogue, STANDARD)
    }


def test_s4_each_product_has_the_type_that_the_holdings_give() -> None:
    basic, better = product("basic"), product("better", links=(Link("upgrade_of", "basic"),))
    renewing = product("deposit-b", links=(Link("renews", "deposit-a"),))
    deposit, card = product("deposit-a", holds_from_account_codes=("core-dep",)), product("card", family="card")
    found = only(
        situation(
            holding("basic", last_used_on=TODAY),
            holding("core-dep", matures_on=TODAY + timedelta(days=10), last_used_on=TODAY),
            holding("card", days=120),
            holding("sold", days=900, closed_on=TODAY - timedelta(days=300)),
        ),
        *(basic, better, deposit, renewing, card, product("sold"), product("new")),
    )
    assert {code: kind.value for code, (kind, _) in found.items()} == {
        "better": "up",
        "deposit-a": "repeat",
        "deposit-b": "repeat",
        "card": "activation",
        "sold": "repeat",
        "new": "cross",
    }


@pytest.mark.parametrize(
    ("changed", "asked", "rule", "values"),
    [
        ({}, {"valid_to": TODAY - timedelta(days=1)}, "validity", {"valid_to": TODAY - timedelta(days=1)}),
        ({}, {"valid_from": TODAY + timedelta(days=1)}, "validity", {"today": TODAY}),
        ({}, {"risk_class": 4}, "suitability", {"level": 3, "risk_class": 4}),
        ({"risk_profile": RiskProfile(5, TODAY - timedelta(days=1))}, {}, "suitability", {"level": 5}),
        ({"risk_profile": None}, {}, "suitability", {"level": None}),
        ({"consents": ()}, {}, "consent", {"purpose": "marketing"}),
        ({"consents": (Consent("marketing", "any", granted=False),)}, {}, "consent", {"purpose": "marketing"}),
        ({}, {"eligibility": Eligibility(max_age=40)}, "age", {"age": 46, "max_age": 40}),
        ({"birth_date": None}, {"eligibility": Eligibility(min_age=18)}, "age", {"age": None, "min_age": 18}),
        ({}, {"eligibility": Eligibility(customer_types=("organisation",))}, "customer_type", {"customer_type": "individual"}),
        ({}, {"eligibility": Eligibility(min_history_days=701)}, "history", {"history_days": 700, "min_history_days": 701}),
        ({}, {"eligibility": Eligibility(min_balance_minor=10_000_001)}, "balance", {"balance_minor": 10_000_000}),
        ({"vulnerable_until": TODAY}, {}, "vulnerable", {"until": TODAY}),
        ({"vulnerable_until": TODAY - timedelta(days=1)}, {}, "vulnerable", {"until": TODAY - timedelta(days=1)}),
    ],
)
def test_s4_a_refusal_names_its_rule_and_the_values(
    changed: dict[str, Any], asked: dict[str, Any], rule: str, values: dict[str, Any]
) -> None:
    found = only(situation(facts=replace(FACTS, **changed)), product("fund", **asked))
    _, refusals = found["fund"]
    assert list(refusals) == [rule]
    assert values.items() <= refusals[rule].items()


def test_s4_a_refused_channel_wins_over_a_general_consent() -> None:
    consents = (Consent("marketing", "any", granted=True), Consent("marketing", "phone", granted=False))
    facts = replace(FACTS, consents=consents)
    assert allowed_channels(facts, "marketing") == ("visit", "branch", "video", "sms", "wechat", "app", "email", "letter")
    assert allowed_channels(facts, "research") == ()
    only_phone = replace(
        FACTS, consents=(Consent("marketing", "any", granted=False), Consent("marketing", "phone", granted=True))
    )
    assert allowed_channels(only_phone, "marketing") == ()


def test_s4_on_the_last_day_of_everything_nothing_is_refused() -> None:
    facts = replace(FACTS, risk_profile=RiskProfile(2, TODAY))
    eligibility = Eligibility(46, 46, ("individual",), 700, 10_000_000)
    found = only(situation(facts=facts), product("fund", valid_from=TODAY, valid_to=TODAY, eligibility=eligibility))
    assert found["fund"] == (SaleType.CROSS, {})


def test_s4_an_open_complaint_holds_every_sale_and_even_activation() -> None:
    held = holding("card", days=120)
    unhappy = situation(held, complaints=(Complaint("c-1", TODAY),))
    found = only(unhappy, product("fund"), product("card", family="card", risk_class=5))
    assert found["fund"][1]["open_complaint"]["complaint_id"] == "c-1"
    assert list(found["card"][1]) == ["open_complaint"]


def test_s4_activation_asks_neither_profile_nor_consent() -> None:
    alone = situation(holding("card", days=120), facts=replace(FACTS, consents=(), risk_profile=None))
    assert only(alone, product("card", family="card", risk_class=5))["card"] == (SaleType.ACTIVATION, {})


def test_s4_what_fits_is_ranked_by_expected_value_and_what_is_refused_comes_after() -> None:
    dear, cheap, refused = (
        product("dear", margin_bp=200),
        product("cheap", margin_bp=50),
        product("no", margin_bp=900, risk_class=5),
    )
    found = assess(situation(), (cheap, refused, dear), STANDARD)
    assert [one.product.code for one in found] == ["dear", "cheap", "no"]
    first = found[0]
    assert first.amount_minor == 10_000_000 * STANDARD.amount_share_bp["fund"] // 10_000
    assert first.value_minor == first.propensity_bp * 200 * first.amount_minor // 10**8
    assert first.reasons[0].code == "cross"


def test_s4_a_maturing_balance_is_what_is_spoken_of() -> None:
    ending = holding("deposit", matures_on=TODAY + timedelta(days=3), balance_minor=7_700_000)
    [one] = assess(situation(ending), (product("deposit", family="deposit"),), STANDARD)
    assert (one.type, one.amount_minor) == (SaleType.REPEAT, 7_700_000)


def test_s4_an_active_model_takes_over_a_products_propensity() -> None:
    class Trained:
        def judge(self, seen: Situation, of: Product, _: Sequence[Product]) -> Judged | None:
            why = SaleReason("acts_90", Words("近90天主动交易笔数", "own postings in 90 days"), 667)
            return Judged(667, (why,), f"related_sale:{of.code}-3") if seen.balance_minor else None

        def shadow(self, *_: object) -> Shadow | None:
            return Shadow("related_sale:fund-4", 700)

    catalogue, models = (product("fund"), product("b")), {"fund": Trained()}
    found = {one.product.code: one for one in assess(situation(), catalogue, STANDARD, models)}
    assert (found["fund"].propensity_bp, found["fund"].model_version) == (667, "related_sale:fund-3")
    assert [reason.code for reason in found["fund"].reasons] == ["cross", "acts_90"]
    assert found["fund"].challenger == Shadow("related_sale:fund-4", 700)
    [poor, _] = assess(situation(balance_minor=0), catalogue, STANDARD, models)
    assert poor.model_version == STANDARD.model_version, "where the model does not apply the rule speaks"
    assert found["b"].model_version == STANDARD.model_version
    assert 0 < found["b"].propensity_bp < 10_000


def test_s4_a_complement_counts_by_the_account_that_means_it() -> None:
    fund, insurance = (
        product("fund", holds_from_account_codes=("core-fund",)),
        product("ins", links=(Link("complements", "fund"),)),
    )
    told = features(situation(holding("core-fund")), insurance, (fund, insurance), STANDARD)
    assert told["complement"] == 1.0
    assert features(situation(holding("other")), insurance, (fund, insurance), STANDARD)["complement"] == 0.0
