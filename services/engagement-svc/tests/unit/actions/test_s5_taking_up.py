"""S5: which recommended actions are declined at once, and where the task of another stands."""

from datetime import date
from uuid import UUID

import pytest
from engagement_svc.actions.policy import Refusal, origin_of, refusal_of, task_priority
from engagement_svc.customers.policy import Consent, is_granted

TODAY = date(2026, 11, 28)
YES, NO = Consent("marketing", "phone", granted=True), Consent("marketing", "phone", granted=False)
NO_SMS, NO_RESEARCH = Consent("marketing", "sms", granted=False), Consent("research", "phone", granted=False)


@pytest.mark.parametrize(
    ("purpose", "expires_on", "consents", "refusal"),
    [
        ("marketing", "2026-11-29", [YES], None),
        ("marketing", "2026-11-28", [YES], None),  # it is good through its last day
        ("marketing", "2026-11-27", [YES], Refusal.EXPIRED),
        (None, "2026-11-27", [], Refusal.EXPIRED),
        ("marketing", "2026-11-28", [NO], Refusal.NO_CONSENT),
        ("marketing", "2026-11-27", [NO], Refusal.EXPIRED),
        ("marketing", "2026-11-28", [], None),  # nothing was said here: scoring asked before it recommended
        ("marketing", "2026-11-28", [NO_SMS, NO_RESEARCH], None),  # of another channel, for another purpose
        ("marketing", "2026-11-28", [NO_SMS, NO_RESEARCH, NO], Refusal.NO_CONSENT),
        (None, "2026-11-28", [NO], None),  # what needs no consent
    ],
)
def test_s5_what_is_declined_before_anything_is_reserved(
    purpose: str | None, expires_on: str, consents: list[Consent], refusal: Refusal | None
) -> None:
    assert refusal_of(purpose, "phone", date.fromisoformat(expires_on), consents, TODAY) is refusal


@pytest.mark.parametrize(
    ("consents", "granted"),
    [([YES], True), ([NO], False), ([], None), ([NO_SMS], None), ([NO_RESEARCH], None), ([NO_SMS, NO_RESEARCH, YES], True)],
)
def test_s5_a_consent_holds_for_its_purpose_and_channel_alone(consents: list[Consent], granted: bool | None) -> None:
    assert is_granted(consents, "marketing", "phone") is granted


@pytest.mark.parametrize(
    ("rank_bp", "priority"), [(10_000, 1), (0, 100), (5_000, 51), (9_999, 2), (101, 100), (102, 99), (1, 100), (7_500, 26)]
)
def test_s5_the_most_urgent_action_has_priority_1_the_least_100(rank_bp: int, priority: int) -> None:
    assert task_priority(rank_bp) == priority


def test_s5_no_action_of_a_higher_rank_stands_behind_one_of_a_lower() -> None:
    priorities = [task_priority(rank) for rank in range(10_001)]
    assert priorities == sorted(priorities, reverse=True)
    assert {*priorities} == {*range(1, 101)}


def test_s5_an_action_opens_one_task() -> None:
    assert str(origin_of(UUID(int=7))) == f"action:{UUID(int=7)}"
