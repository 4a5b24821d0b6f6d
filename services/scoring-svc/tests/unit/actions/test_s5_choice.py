"""S5: the choice: limits, hold-out, bounded exploration with its probability, care for everyone, levers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.errors import Text
from scoring_svc.actions.candidates import Candidate, Past, candidates
from scoring_svc.actions.choice import choose, is_held_out
from scoring_svc.actions.policy import ActionKind, ActionStandard, Tally, channel_for, lever_bp, priority_bp, worth_bp
from scoring_svc.customers.policy import ContactLimits, CustomerFacts
from scoring_svc.reasons import Reason
from scoring_svc.situations.policy import Complaint, Situation
from scoring_svc.standards import load_standards

TODAY = date(2026, 11, 25)
STANDARD = load_standards(ActionStandard, "actions")[-1]
NOBODY_HELD_OUT = replace(STANDARD, hold_out_bp=0)
RISK = Reason("risk", 4_000, Text("May leave.", "有流失风险。"))
REASON = {"code": "risk", "zh": "有流失风险。", "en": "May leave."}


def candidate(code: str, value: int = 100_000, **more: Any) -> Candidate:
    fields: dict[str, Any] = {
        "kind": ActionKind.RETENTION,
        "reasons": (REASON,),
        "content": {"zh": "问候。", "en": "Ask."},
        "severity": "warning",
        "propensity_bp": 4_000,
        "currency": "CNY",
    }
    return Candidate(reason_code=code, value_minor=value, **{**fields, **more})


def facts(**more: Any) -> CustomerFacts:
    fields: dict[str, Any] = {"customer_type": "individual", "birth_date": None, "known_since": TODAY - timedelta(days=200)}
    return CustomerFacts(customer_id=uuid4(), **{**fields, **more})


def past(kind: str = "service", days: int = 5, state: str = "concluded", code: str = "other", **evidence: Any) -> Past:
    on = TODAY - timedelta(days=days)
    return Past(uuid4(), kind, code, None, state, on, on + timedelta(days=14), evidence)


def chosen(customer: UUID, found: Sequence[Candidate], standard: ActionStandard = NOBODY_HELD_OUT, **more: Any) -> list[str]:
    choice = choose(customer, TODAY, more.get("facts"), found, more.get("past", ()), {}, standard)
    return [one.candidate.reason_code for one in choice.chosen]


def test_s5_exploration_is_bounded_repeatable_and_its_probability_is_what_happens() -> None:
    found = [candidate("best", 9_000_000), candidate("second", 100_000), candidate("third", 1)]
    standard = replace(NOBODY_HELD_OUT, exploration_bp=3_000)
    counted: Counter[str] = Counter()
    for number in range(6_000):
        choice = choose(UUID(int=number), TODAY, None, found, (), {}, standard)
        assert choice == choose(UUID(int=number), TODAY, None, list(reversed(found)), (), {}, standard)
        [one] = choice.chosen
        counted[one.candidate.reason_code] += 1
        assert {c.candidate.reason_code: c.probability_bp for c in choice.considered} == {
            "best": 8_000,
            "second": 1_000,
            "third": 1_000,
        }
    assert counted["best"] / 6_000 == pytest.approx(0.8, abs=0.02)
    assert counted["second"] / 6_000 == pytest.approx(0.1, abs=0.015)


def test_s5_the_hold_out_is_stable_and_of_the_stated_size_and_hears_of_duties_only() -> None:
    held_out = [UUID(int=number) for number in range(20_000) if is_held_out(UUID(int=number), STANDARD)]
    assert len(held_out) / 20_000 == pytest.approx(STANDARD.hold_out_bp / 10_000, abs=0.006)
    assert all(is_held_out(one, replace(STANDARD, version=9)) for one in held_out)
    duty = candidate("complaint", kind=ActionKind.SERVICE, duty=True)
    sale = candidate("cross", kind=ActionKind.RELATED_SALE)
    choice = choose(held_out[0], TODAY, None, [candidate("risk"), sale, duty], (), {}, STANDARD)
    assert [one.candidate.reason_code for one in choice.chosen] == ["complaint"]
    assert choice.hold_out
    refused = {one.candidate.reason_code: [refusal.rule for refusal in one.refusals] for one in choice.considered}
    assert refused == {"complaint": [], "cross": ["hold_out"], "risk": ["hold_out"]}


def test_s5_no_more_is_recommended_than_the_contact_limit_but_duties_pass() -> None:
    limits = facts(contact_limits=ContactLimits(2, 10))
    duty = candidate("complaint", kind=ActionKind.SERVICE, duty=True)
    assert chosen(uuid4(), [candidate("risk"), duty], facts=limits, past=[past(days=9)]) == ["complaint", "risk"]
    assert chosen(uuid4(), [candidate("risk"), duty], facts=limits, past=[past(days=9), past(days=1)]) == ["complaint"]
    assert chosen(uuid4(), [candidate("risk")], facts=limits, past=[past(days=10), past(days=1)]) == ["risk"]
    assert chosen(uuid4(), [candidate("risk")], facts=limits, past=[past(state="declined"), past(state="withdrawn")]) == ["risk"]


def test_s5_the_same_is_not_asked_twice_in_a_period() -> None:
    assert chosen(uuid4(), [candidate("risk")], past=[past("retention", 29, "declined", "risk")]) == []
    assert chosen(uuid4(), [candidate("risk")], past=[past("retention", 30, "declined", "risk")]) == ["risk"]
    duty = candidate("open_complaint", kind=ActionKind.SERVICE, duty=True, evidence={"complaint_id": "b"})
    told = [past(code="open_complaint", state="open", complaint_id="a")]
    assert chosen(uuid4(), [duty], past=told) == ["open_complaint"]
    assert chosen(uuid4(), [duty], past=[past(code="open_complaint", state="open", complaint_id="b")]) == []


def test_s5_everyone_is_cared_for_once_a_period_whatever_the_worth() -> None:
    poor = Situation(customer_id=uuid4(), today=TODAY, facts=facts(), currency="CNY", balance_minor=0)
    found = candidates(poor, (), (), NOBODY_HELD_OUT)
    assert chosen(poor.customer_id, found, STANDARD, facts=poor.facts) == ["care_due"]
    spoken = replace(poor, last_contact_on=TODAY - timedelta(days=STANDARD.care_days - 1))
    assert candidates(spoken, (), (), STANDARD) == []
    assert candidates(replace(poor, facts=facts(known_since=TODAY)), (), (), STANDARD) == []
    # An open complaint is a duty of engagement-svc's, and no reason to be forgotten.
    unhappy = replace(poor, complaints=(Complaint("c", TODAY),))
    assert [one.reason_code for one in candidates(unhappy, (), (), STANDARD)] == ["care_due"]


def test_s5_the_risk_is_not_spoken_of_beside_the_signal_that_says_it() -> None:
    risky = Situation(
        customer_id=uuid4(), today=TODAY, facts=facts(known_since=TODAY), band="high", main_reason=RISK, balance_minor=100
    )
    [one] = candidates(risky, (), (), STANDARD)
    assert (one.kind, one.reason_code, one.reasons) == (ActionKind.RETENTION, "retention_risk", (REASON,))
    [again] = candidates(risky, (), [past("retention", 1, "open", "balance_drop", signal_ids=["s"])], STANDARD)
    assert [refusal.rule for refusal in again.refusals] == ["signal_answered"]


def test_s5_a_birthday_is_near_across_the_turn_of_the_year_and_on_the_29th_of_february() -> None:
    def found(born: date, today: date) -> list[str]:
        someone = Situation(customer_id=uuid4(), today=today, facts=facts(birth_date=born, known_since=today))
        return [one.reason_code for one in candidates(someone, (), (), STANDARD)]

    assert found(date(1980, 1, 2), date(2026, 12, 28)) == ["birthday"]
    assert found(date(1980, 2, 29), date(2026, 3, 1)) == ["birthday"]
    assert found(date(1980, 2, 29), date(2026, 3, 2)) == []
    assert found(date(1980, 2, 29), date(2028, 2, 29)) == ["birthday"]


def test_s5_the_arbitration_is_weight_context_propensity_worth_and_lever() -> None:
    worth = worth_bp(100_000, "CNY", STANDARD)
    assert worth == 7_000
    assert priority_bp(ActionKind.RETENTION, "warning", 6_000, worth, STANDARD) == 4_032
    assert worth_bp(10**15, "XXX", STANDARD) == worth_bp(0, "CNY", STANDARD) == STANDARD.floor_worth_bp


def test_s5_what_works_is_learnt_within_bounds_and_the_preferred_channel_comes_first() -> None:
    kind = ActionKind.CARE
    levers = {("care", "visit"): Tally(90, 10), ("care", "phone"): Tally(0, 1_000), ("care", "branch"): Tally(3, 7)}
    assert [lever_bp(kind, channel, levers, STANDARD) for channel in ("visit", "phone", "branch", "sms")] == [
        20_000,
        5_000,
        10_000,
        10_000,
    ]
    assert channel_for(kind, None, STANDARD.channels, levers, STANDARD) == "visit"
    wechat = facts(preferred_channels=("fax", "wechat", "phone"))
    assert channel_for(kind, wechat, STANDARD.channels, levers, STANDARD) == "wechat"
    assert channel_for(kind, wechat, ("phone",), levers, STANDARD) == "phone"
    assert channel_for(kind, wechat, (), levers, STANDARD) is None
