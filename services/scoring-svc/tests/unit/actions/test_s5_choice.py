"""S5: the choice: one a period, hold-out, bounded exploration with its probability, levers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.errors import Text
from scoring_svc.actions.candidates import Candidate, Past, candidates
from scoring_svc.actions.choice import Grounds, choose, is_held_out
from scoring_svc.actions.policy import ActionKind, ActionStandard, Tally, channel_for, lever_bp, priority_bp, worth_bp
from scoring_svc.customers.policy import CustomerFacts
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
    choice = choose(Grounds(customer, TODAY, past=more.get("past", ())), found, standard)
    return [one.candidate.reason_code for one in choice.chosen]


def test_s5_exploration_is_bounded_repeatable_and_its_probability_is_what_happens() -> None:
    found = [candidate("best", 9_000_000), candidate("second", 100_000), candidate("third", 1)]
    standard = replace(NOBODY_HELD_OUT, exploration_bp=3_000)
    counted: Counter[str] = Counter()
    for number in range(6_000):
        choice = choose(Grounds(UUID(int=number), TODAY), found, standard)
        assert choice == choose(Grounds(UUID(int=number), TODAY), list(reversed(found)), standard)
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
    choice = choose(Grounds(held_out[0], TODAY), [candidate("risk"), sale, duty], STANDARD)
    assert [one.candidate.reason_code for one in choice.chosen] == ["complaint"]
    assert choice.hold_out
    refused = {one.candidate.reason_code: [refusal.rule for refusal in one.refusals] for one in choice.considered}
    assert refused == {"complaint": [], "cross": ["hold_out"], "risk": ["hold_out"]}


def test_s5_one_choice_is_made_in_a_period_but_duties_pass() -> None:
    duty = candidate("complaint", kind=ActionKind.SERVICE, duty=True)
    assert chosen(uuid4(), [candidate("risk"), duty], past=[past(days=30)]) == ["complaint", "risk"]
    assert chosen(uuid4(), [candidate("risk"), duty], past=[past(days=30), past(days=29)]) == ["complaint"]
    for state, chosen_again in (
        ("open", []),
        ("accepted", []),
        ("concluded", []),
        ("declined", ["risk"]),
        ("withdrawn", ["risk"]),
    ):
        assert chosen(uuid4(), [candidate("risk")], past=[past(days=29, state=state)]) == chosen_again


def test_s5_the_same_is_not_asked_twice_in_a_period() -> None:
    assert chosen(uuid4(), [candidate("risk")], past=[past("retention", 29, "declined", "risk")]) == []
    assert chosen(uuid4(), [candidate("risk")], past=[past("retention", 30, "declined", "risk")]) == ["risk"]
    duty = candidate("open_complaint", kind=ActionKind.SERVICE, duty=True, evidence={"complaint_id": "b"})
    told = [past(code="open_complaint", state="open", complaint_id="a")]
    assert chosen(uuid4(), [duty], past=told) == ["open_complaint"]
    assert chosen(uuid4(), [duty], past=[past(code="open_complaint", state="open", complaint_id="b")]) == []


def test_d4_a_birthday_and_a_long_silence_are_no_matter_of_scoring() -> None:
    someone = Situation(
        customer_id=uuid4(),
        today=TODAY,
        facts=facts(birth_date=date(1980, 11, 27), known_since=TODAY - timedelta(days=400)),
        complaints=(Complaint("c", TODAY),),
    )
    assert candidates(someone, (), (), STANDARD) == []
    assert (STANDARD.version, STANDARD.care, STANDARD.birthday, STANDARD.contact_limits) == (3, None, None, None)


def test_d4_the_versions_that_recommended_care_and_dates_are_still_read() -> None:
    first, second, _ = load_standards(ActionStandard, "actions")
    assert (first.care_days, second.birthday_days, second.contact_limits) == (90, 7, {"max_contacts": 1, "per_days": 30})


def test_s5_the_risk_is_not_spoken_of_beside_the_signal_that_says_it() -> None:
    risky = Situation(
        customer_id=uuid4(), today=TODAY, facts=facts(known_since=TODAY), band="high", main_reason=RISK, balance_minor=100
    )
    [one] = candidates(risky, (), (), STANDARD)
    assert (one.kind, one.reason_code, one.reasons) == (ActionKind.RETENTION, "retention_risk", (REASON,))
    [again] = candidates(risky, (), [past("retention", 1, "open", "balance_drop", signal_ids=["s"])], STANDARD)
    assert [refusal.rule for refusal in again.refusals] == ["signal_answered"]


def test_s5_the_arbitration_is_weight_context_propensity_worth_and_lever() -> None:
    worth = worth_bp(100_000, "CNY", STANDARD)
    assert worth == 7_000
    assert priority_bp(ActionKind.RETENTION, "warning", 6_000, worth, STANDARD) == 4_032
    assert worth_bp(10**15, "XXX", STANDARD) == worth_bp(0, "CNY", STANDARD) == STANDARD.floor_worth_bp


def test_s5_what_works_is_learnt_within_bounds_and_the_preferred_channel_comes_first() -> None:
    kind = ActionKind.SERVICE
    levers = {("service", "visit"): Tally(90, 10), ("service", "phone"): Tally(0, 1_000), ("service", "branch"): Tally(3, 7)}
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
