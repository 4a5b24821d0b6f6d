"""D1: which evidence ends which kind of task, for every kind and every sort of contact, by hand."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final, get_args
from uuid import UUID, uuid4

import pytest
from engagement_svc.interactions.schemas import Purpose
from engagement_svc.standards import Capacity, ClockRule, Subject, load_standards
from engagement_svc.tasks.policy import (
    CONTACT_RULES,
    DEEDS,
    SNOOZED,
    Contact,
    Deed,
    Misfit,
    NotSnoozed,
    due_time,
    misfit_of,
    rank_key,
    why_not_snoozed,
)
from guanxi_common.calendar import BusinessCalendar

STANDARDS = load_standards()
CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
OPENED = datetime(2026, 11, 20, 7, tzinfo=UTC)  # Friday, 15:00 in Shanghai
CUSTOMER = uuid4()
TALK: Final = Contact("c", CUSTOMER, OPENED, "outbound", "care", counts=True, two_way=True)


@dataclass(frozen=True)
class Task:
    customer_id: UUID = CUSTOMER
    origin: str = "action:1"
    opened_at: datetime = OPENED


# kind: the purposes of a conversation that end it; those that end it where the task is named; those of a message that we have sent.
BY_CONTACT: Final = {
    "retention_contact": ("care service", "care service plan_follow_up related_sales", ""),
    "service_contact": ("service", "care service plan_follow_up related_sales", ""),
    "sales_contact": ("related_sales", "related_sales plan_follow_up", ""),
    "care_contact": ("care", "care service plan_follow_up related_sales", ""),
    "greeting": ("care", "care service plan_follow_up related_sales", "care"),
    "complaint_acknowledgement": ("", "", ""),
    "complaint_resolution": ("", "", ""),
    "plan_review_due": ("", "", ""),
    "next_best_action": ("care service plan_follow_up related_sales", "care service plan_follow_up related_sales", ""),
    "signal_follow_up": ("care service plan_follow_up related_sales", "care service plan_follow_up related_sales", ""),
}
BY_DEED: Final = {
    "plan_review_due": "plan_review",
    "complaint_acknowledgement": "complaint_acknowledgement complaint_resolution",
    "complaint_resolution": "complaint_resolution",
}


def misfit(kind: str, evidence: Contact | Deed, *, named: bool = False, task: Task | None = None) -> Misfit | None:
    return misfit_of(STANDARDS.task_types[kind], task or Task(), evidence, named=named)


def test_d1_every_kind_stands_in_the_table_and_has_a_rule() -> None:
    assert set(BY_CONTACT) == set(STANDARDS.task_types)
    for kind in STANDARDS.task_types.values():
        assert kind.ends_by.rule in {*CONTACT_RULES, *DEEDS}
        assert kind.subject in get_args(Subject)
        assert kind.clock.rule in get_args(ClockRule)
        assert {*kind.ends_by.purposes, *kind.ends_by.if_named} <= {purpose.value for purpose in Purpose}
        assert set(kind.delegated_to) <= set(get_args(Capacity))
    assert set(STANDARDS.action_tasks) == set(STANDARDS.actions)
    assert set(STANDARDS.action_tasks.values()) <= set(STANDARDS.task_types)


@pytest.mark.parametrize("kind", BY_CONTACT)
def test_d1_a_contact_ends_what_its_purpose_and_its_way_fit(kind: str) -> None:
    unnamed, named, sent = (set(words.split()) for words in BY_CONTACT[kind])
    for purpose, direction in product([purpose.value for purpose in Purpose], ("outbound", "inbound")):
        talk = replace(TALK, purpose=purpose, direction=direction)
        assert (misfit(kind, talk) is None) == (purpose in unnamed), (purpose, direction)
        assert (misfit(kind, talk, named=True) is None) == (purpose in named), (purpose, direction)
        message = replace(talk, two_way=False)
        ends = purpose in sent and direction == "outbound"
        assert [misfit(kind, message, named=given) is None for given in (False, True)] == [ends, ends], (purpose, direction)
        in_vain = replace(talk, counts=False)
        assert misfit(kind, in_vain) is not None
        assert (misfit(kind, in_vain, named=True) is Misfit.NOT_REACHED) == (purpose in named)


@pytest.mark.parametrize("kind", BY_CONTACT)
def test_d1_a_deed_ends_the_duty_of_its_own_matter_alone(kind: str) -> None:
    for deed in ("plan_review", "complaint_acknowledgement", "complaint_resolution", "file_completed"):
        done = Deed(deed, "1", OPENED - timedelta(days=1), frozenset({"action:1"}))
        ends = deed in BY_DEED.get(kind, "").split()
        assert misfit(kind, done) is (None if ends else Misfit.ANOTHER_EVIDENCE)
        if ends:
            assert misfit(kind, done, task=Task(origin="action:2")) is Misfit.ANOTHER_SUBJECT


@pytest.mark.parametrize(
    ("contact", "why"),
    [
        (replace(TALK, customer_id=uuid4()), Misfit.ANOTHER_SUBJECT),
        (replace(TALK, occurred_at=OPENED - timedelta(microseconds=1)), Misfit.OLDER),
        (replace(TALK, two_way=False), Misfit.ONE_WAY),
        (replace(TALK, purpose="related_sales"), Misfit.PURPOSE),
        (replace(TALK, counts=False), Misfit.NOT_REACHED),
        (replace(TALK, counts=False, two_way=False), Misfit.ONE_WAY),
        (TALK, None),
    ],
)
def test_d1_a_misfit_says_why(contact: Contact, why: Misfit | None) -> None:
    assert misfit("retention_contact", contact) is why


@pytest.mark.parametrize(
    ("kind", "start", "due"),
    [
        # Friday 15:00 and two business days; a Saturday starts with Monday.
        ("retention_contact", "2026-11-20T07:00:00+00:00", "2026-11-24T07:00:00+00:00"),
        ("greeting", "2026-11-21T07:00:00+00:00", "2026-11-24T16:00:00+00:00"),
        # The end of the business day after: Friday's is Monday; Saturday belongs to Monday, so it is Tuesday.
        ("complaint_acknowledgement", "2026-11-20T07:00:00+00:00", "2026-11-23T16:00:00+00:00"),
        ("complaint_acknowledgement", "2026-11-21T07:00:00+00:00", "2026-11-24T16:00:00+00:00"),
        # D16: received on 25 September, due on 10 October; a deadline on a day off is not moved.
        ("complaint_resolution", "2026-09-25T01:00:00+00:00", "2026-10-10T16:00:00+00:00"),
        ("complaint_resolution", "2026-09-24T16:00:00+00:00", "2026-10-10T16:00:00+00:00"),
        ("complaint_resolution", "2026-09-19T01:00:00+00:00", "2026-10-04T16:00:00+00:00"),
        ("complaint_resolution", "2026-12-20T01:00:00+00:00", "2027-01-04T16:00:00+00:00"),
    ],
)
def test_d1_each_clock_counts_in_the_unit_of_its_standard(kind: str, start: str, due: str) -> None:
    found = due_time(STANDARDS.task_types[kind], datetime.fromisoformat(start), CALENDAR)
    assert found.due_at == datetime.fromisoformat(due)


def test_d1_who_asks_may_name_the_hours_and_must_name_the_date_of_a_dated_task() -> None:
    retention, review = STANDARDS.task_types["retention_contact"], STANDARDS.task_types["plan_review_due"]
    assert due_time(retention, OPENED, CALENDAR, within=timedelta(hours=24)).due_at == OPENED + timedelta(days=3)
    assert due_time(review, OPENED, CALENDAR, on=OPENED).due_at == OPENED
    with pytest.raises(ValueError, match="due on a date"):
        due_time(review, OPENED, CALENDAR)


def test_d1_a_complaints_duties_are_neither_put_off_nor_handed_over() -> None:
    kinds = STANDARDS.task_types.values()
    assert {kind.name for kind in kinds if not kind.may_be_snoozed} == {"complaint_acknowledgement", "complaint_resolution"}
    assert {kind.name for kind in kinds if not kind.delegated_to} == {"complaint_acknowledgement", "complaint_resolution"}


@pytest.mark.parametrize(
    ("kind", "minutes", "why"),
    [
        # Due in 48 hours, and the list warns 24 hours before.
        ("retention_contact", 1, None),
        ("retention_contact", 24 * 60, None),
        ("retention_contact", 24 * 60 + 1, NotSnoozed.TOO_LATE),
        ("retention_contact", 72 * 60, NotSnoozed.TOO_LATE),
        ("retention_contact", 0, NotSnoozed.PAST),
        ("retention_contact", -1, NotSnoozed.PAST),
        ("complaint_resolution", 1, NotSnoozed.KIND),
        ("complaint_acknowledgement", 1, NotSnoozed.KIND),
    ],
)
def test_d1_a_task_is_put_off_until_its_warning_at_the_latest(kind: str, minutes: int, why: NotSnoozed | None) -> None:
    due_at = OPENED + timedelta(hours=48)
    assert why_not_snoozed(STANDARDS.task_types[kind], due_at, OPENED + timedelta(minutes=minutes), OPENED) is why


def test_d1_what_is_put_off_stands_behind_everything_else_and_keeps_its_order() -> None:
    latest = rank_key(2**15 - 1, datetime(2200, 12, 31, tzinfo=UTC))
    assert 0 < latest < SNOOZED < rank_key(1, OPENED) | SNOOZED < latest | SNOOZED < 2**63
