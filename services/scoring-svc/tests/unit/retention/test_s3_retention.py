"""S3: the rule-based retention risk is exact, additive and explained."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_svc.engagements.policy import ContactStandard
from scoring_svc.retention.contact_words import words_of
from scoring_svc.retention.policy import (
    Code,
    Contact,
    Ramp,
    RetentionInputs,
    RetentionStandard,
    contact_contribution,
    retention_risk,
)
from scoring_svc.standards import load_standards

STANDARD = load_standards(RetentionStandard, "retention")[0]
TODAY = date(2026, 3, 10)
CALM = RetentionInputs(
    as_of=TODAY,
    currency="CZK",
    history_days=400,
    acts_recent=12,
    acts_before=12,
    silent_days=3,
    balance_minor=5_000_000,
    median_balance_minor=5_000_000,
    outflow_minor=4_000_000,
    inflow_minor=4_200_000,
    income_overdue_days=0,
    p_alive_bp=9_900,
)
LEAVING = replace(
    CALM,
    acts_recent=3,
    silent_days=105,
    balance_minor=1_000_000,
    inflow_minor=1_000_000,
    income_overdue_days=30,
    p_alive_bp=1_000,
    evidence={Code.NET_OUTFLOW: ("b", "a")},
)


def test_s3_a_calm_customer_has_no_risk_and_no_reason() -> None:
    risk = retention_risk(CALM, STANDARD)
    assert (risk.value_bp, risk.band, risk.reasons, risk.main_reason) == (0, "low", (), None)


def test_s3_each_decline_has_its_stated_points_and_words() -> None:
    risk = retention_risk(LEAVING, STANDARD)
    assert [(reason.code, reason.contribution_bp) for reason in risk.reasons] == [
        ("balance_decline", 2500),  # -80 %: all of it
        ("activity_decline", 2291),  # -75 %: 2500 x 55/60
        ("income_stopped", 2000),
        ("net_outflow", 1000),  # 75 % not replaced: 1500 x 50/75
        ("dropped_out", 500),
        ("silence", 500),  # 105 days: 1000 x 75/150
    ]
    assert risk.value_bp == 8791
    assert risk.band == "high"
    assert risk.main_reason == risk.reasons[0]
    words = {reason.code: reason.text for reason in risk.reasons}
    assert words["activity_decline"].en == "The customer's own postings fell from 12 to 3 in 90 days (-75 %)."
    assert words["balance_decline"].zh == "当前余额10000.00 CZK，近12个月中位数为50000.00 CZK（-80%）。"
    assert words["net_outflow"].en == "In 90 days 40000.00 CZK left and 10000.00 CZK came in: 75 % was not replaced."
    assert next(r for r in risk.reasons if r.code == "net_outflow").evidence_ids == ("a", "b")


def test_s3_a_contact_lowers_the_risk_by_exactly_its_contribution_and_names_itself() -> None:
    before = retention_risk(LEAVING, STANDARD)
    contact = Contact("interaction-1", TODAY, -1_500)
    after = retention_risk(replace(LEAVING, contacts=(contact,)), STANDARD)
    assert before.value_bp - after.value_bp == 1_500
    reason = after.reasons[-1]
    assert (reason.code, reason.contribution_bp, reason.evidence_ids) == ("contact", -1_500, ("interaction-1",))
    assert after.reasons[:-1] == before.reasons


def test_s3_a_contact_that_strains_raises_the_risk() -> None:
    after = retention_risk(replace(CALM, contacts=(Contact("i", TODAY, 800, effect="weakens"),)), STANDARD)
    assert after.value_bp == 800
    assert after.main_reason is not None
    assert after.main_reason.text.en == "There was a contact on 2026-03-10. The contact strained the relationship."


def test_s3_a_contact_decays_to_nothing_in_equal_parts() -> None:
    contact = Contact("i", TODAY, -900)
    left = [contact_contribution(contact, TODAY + timedelta(days=d), STANDARD) for d in (-1, 0, 1, 30, 89, 90, 400)]
    assert left == [0, -900, -890, -600, -10, 0, 0]
    assert contact_contribution(Contact("i", TODAY, 900), TODAY + timedelta(days=30), STANDARD) == 600


def test_s3_contacts_never_take_the_risk_below_zero_nor_beyond_their_limit() -> None:
    relief = tuple(Contact(f"i{n}", TODAY, -3_000) for n in range(3))
    risk = retention_risk(replace(LEAVING, contacts=relief), STANDARD)
    assert risk.value_bp == 8791 - STANDARD.contact_limit_bp
    assert [r.contribution_bp for r in risk.reasons if r.code == "contact_limit"] == [5_000]
    assert retention_risk(replace(CALM, contacts=relief), STANDARD).value_bp == 0


def test_s3_short_history_leaves_out_what_would_compare_and_says_so() -> None:
    young = replace(LEAVING, history_days=STANDARD.min_history_days - 1)
    risk = retention_risk(young, STANDARD)
    assert risk.short_history
    assert not {"activity_decline", "balance_decline"} & {reason.code for reason in risk.reasons}
    assert not retention_risk(LEAVING, STANDARD).short_history


@pytest.mark.parametrize(
    "change",
    [
        {"acts_before": 2, "acts_recent": 0},
        {"acts_before": 0, "acts_recent": 0},
        {"median_balance_minor": 299_999, "balance_minor": 0},
        {"median_balance_minor": None},
        {"balance_minor": None},
        {"median_balance_minor": -5_000_000, "balance_minor": -9_000_000},
        {"outflow_minor": 1_499_999, "inflow_minor": 0},
        {"income_overdue_days": None, "p_alive_bp": None, "silent_days": None},
    ],
)
def test_s3_what_is_too_little_to_judge_gives_no_points(change) -> None:
    assert retention_risk(replace(CALM, **change), STANDARD).value_bp == 0


def test_s3_an_overdraft_counts_as_nothing_left() -> None:
    (reason,) = retention_risk(replace(CALM, balance_minor=-9_000_000), STANDARD).reasons
    assert (reason.code, reason.contribution_bp) == ("balance_decline", 2_500)
    assert reason.text.en == "The balance is -90000.00 CZK; its 12-month median is 50000.00 CZK (-100 %)."


def test_s3_a_currency_without_a_floor_is_judged_from_its_first_unit() -> None:
    assert retention_risk(replace(CALM, currency="JPY", median_balance_minor=10, balance_minor=0), STANDARD).value_bp == 2_500


@pytest.mark.parametrize(("value", "band"), [(0, "low"), (1_499, "low"), (1_500, "medium"), (3_499, "medium"), (3_500, "high")])
def test_s3_bands_are_data_and_a_threshold_belongs_to_the_higher_band(value: int, band: str) -> None:
    assert STANDARD.band(value) == band


def test_s3_standards_that_could_leave_the_scale_are_refused() -> None:
    with pytest.raises(ValueError, match=r"10,000"):
        replace(STANDARD, silent_days=Ramp(1_001, 30, 180))
    with pytest.raises(ValueError, match="medium_from_bp"):
        replace(STANDARD, medium_from_bp=6_000)
    with pytest.raises(ValueError, match="rises"):
        Ramp(100, 5, 5)
    with pytest.raises(ValueError, match=r"0\.3"):
        Contact("i", TODAY, -3_001)


MONEY = st.integers(0, 2**62)
CONTACTS = st.lists(
    st.builds(
        Contact,
        st.text("abcdef", min_size=1, max_size=3),
        st.dates(TODAY - timedelta(days=120), TODAY + timedelta(days=5)),
        st.integers(-3_000, 3_000),
    ),
    max_size=6,
)
INPUTS = st.builds(
    RetentionInputs,
    as_of=st.just(TODAY),
    currency=st.sampled_from(["CNY", "CZK", "JPY"]),
    history_days=st.integers(0, 2_000),
    acts_recent=st.integers(0, 500),
    acts_before=st.integers(0, 500),
    silent_days=st.none() | st.integers(0, 2_000),
    balance_minor=st.none() | st.integers(-(2**62), 2**62),
    median_balance_minor=st.none() | st.integers(-(2**62), 2**62),
    outflow_minor=MONEY,
    inflow_minor=MONEY,
    income_overdue_days=st.none() | st.integers(0, 400),
    p_alive_bp=st.none() | st.integers(0, 10_000),
    contacts=CONTACTS.map(tuple),
)


@given(INPUTS)
def test_s3_the_reasons_add_up_to_the_risk_and_it_stays_on_the_scale(inputs: RetentionInputs) -> None:
    risk = retention_risk(inputs, STANDARD)
    assert risk.value_bp == sum(reason.contribution_bp for reason in risk.reasons)
    assert 0 <= risk.value_bp <= 10_000
    assert all(reason.contribution_bp and reason.text.en and reason.text.zh for reason in risk.reasons)


@given(INPUTS, st.randoms())
def test_s3_the_order_of_contacts_does_not_matter(inputs: RetentionInputs, random) -> None:
    shuffled = list(inputs.contacts)
    random.shuffle(shuffled)
    assert repr(retention_risk(replace(inputs, contacts=tuple(shuffled)), STANDARD)) == repr(retention_risk(inputs, STANDARD))


def test_s3_equal_contributions_are_ordered_by_their_evidence() -> None:
    contacts = (Contact("b", TODAY, -100), Contact("a", TODAY, -100))
    reasons = retention_risk(replace(LEAVING, contacts=contacts), STANDARD).reasons
    assert [reason.evidence_ids for reason in reasons[-2:]] == [("a",), ("b",)]


@given(INPUTS, st.integers(1, 3_000))
def test_s3_within_the_limits_a_contact_counts_exactly(inputs: RetentionInputs, relief: int) -> None:
    alone = replace(inputs, contacts=())
    before = retention_risk(alone, STANDARD).value_bp
    after = retention_risk(replace(alone, contacts=(Contact("i", TODAY, -relief),)), STANDARD).value_bp
    assert before - after == min(relief, before)


@given(INPUTS, st.integers(1, 100))
def test_s3_more_activity_never_raises_the_risk(inputs: RetentionInputs, more: int) -> None:
    more_active = replace(inputs, acts_recent=inputs.acts_recent + more)
    assert retention_risk(more_active, STANDARD).value_bp <= retention_risk(inputs, STANDARD).value_bp


@pytest.mark.parametrize(
    ("kind", "result", "effect", "en", "zh"),
    [
        ("interaction", "appointment_made", "none", "An appointment was made on 2026-03-10.", "2026-03-10已与客户约定会面。"),
        ("interaction", "appointment_made", None, "An appointment was made on 2026-03-10.", "2026-03-10已与客户约定会面。"),
        (
            "interaction",
            "reached_positive",
            "weakens",
            "The customer was reached on 2026-03-10 and answered positively. The contact strained the relationship.",
            "2026-03-10已联系到客户，客户反馈积极。此次联系使客户关系受损。",
        ),
        (
            "interaction",
            "reached_neutral",
            "strengthens",
            "The customer was reached on 2026-03-10. The contact strengthened the relationship.",
            "2026-03-10已联系到客户。此次联系改善了客户关系。",
        ),
        ("interaction", None, None, "There was a contact on 2026-03-10.", "2026-03-10有联系记录。"),
        (
            "plan_review",
            "on_track",
            None,
            "The financial plan was reviewed on 2026-03-10: on track.",
            "2026-03-10检视了理财规划：进展正常。",
        ),
        ("plan_review", None, None, "The financial plan was reviewed on 2026-03-10.", "2026-03-10检视了理财规划。"),
    ],
)
@pytest.mark.parametrize("contribution_bp", [-1_000, 800])
def test_8c_the_words_of_a_contact_follow_the_record_whatever_it_contributes(
    kind: str, result: str | None, effect: str | None, en: str, zh: str, contribution_bp: int
) -> None:
    contact = Contact("i", TODAY, contribution_bp, kind, result, effect)
    risk = retention_risk(replace(LEAVING, contacts=(contact,)), STANDARD)
    [reason] = [reason for reason in risk.reasons if reason.code == "contact"]
    assert (reason.text.en, reason.text.zh, reason.contribution_bp) == (en, zh, contribution_bp)


def test_8c_every_result_effect_and_outcome_of_the_standard_has_words_of_its_own() -> None:
    [*_, standard] = load_standards(ContactStandard, "engagements")
    recorded = [("interaction", result, effect) for result in standard.results for effect in standard.effects]
    recorded += [("plan_review", outcome, None) for outcome in standard.reviews]
    assert len({words_of(kind, TODAY, result, effect).en for kind, result, effect in recorded}) == len(recorded)
    assert len({words_of(kind, TODAY, result, effect).zh for kind, result, effect in recorded}) == len(recorded)
