"""D1: on a real database a duty ends by the evidence of its kind, and every end is told."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from engagement_svc.complaints.errors import ComplaintAcknowledged, ComplaintResolved
from engagement_svc.complaints.repository import Complaint
from engagement_svc.tasks.errors import CannotAnswer, NotTheCustomersTask
from guanxi_common.security.principal import RowScope, ScopeKind

pytestmark = pytest.mark.anyio

ACKNOWLEDGEMENT, RESOLUTION = "complaint_acknowledgement", "complaint_resolution"


async def duties(branch: Any) -> dict[str, Any]:
    """The open tasks of rm_a by type."""
    return {task.task_type: task for task in await branch.worklist(RowScope(ScopeKind.OWN, branch.rm_a))}


async def test_d1_a_birthday_message_does_not_end_a_complaints_duties(branch: Any) -> None:
    complaint = await branch.complain()
    await branch.recommend(kind="date")
    await branch.recommend(kind="retention")
    opened = await duties(branch)
    assert set(opened) == {ACKNOWLEDGEMENT, RESOLUTION, "greeting", "retention_contact"}
    assert await branch.contact(branch.rm_a, method="sms") == [opened["greeting"].id]
    # Nor does a talk; it is the complaint's own deeds that do.
    assert await branch.contact(branch.rm_a, purpose="service") == [opened["retention_contact"].id]
    assert set(await duties(branch)) == {ACKNOWLEDGEMENT, RESOLUTION}
    await branch.acknowledge(complaint)
    assert set(await duties(branch)) == {RESOLUTION}
    await branch.resolve(complaint)
    assert await duties(branch) == {}
    told = await branch.told("task.completed")
    assert [event["completed_by"].partition(":")[0] for event in told] == [
        "interaction",
        "interaction",
        ACKNOWLEDGEMENT,
        RESOLUTION,
    ]


async def test_d1_a_complaint_opens_its_duties_in_its_own_transaction(branch: Any) -> None:
    complaint = await branch.complain()
    opened = await duties(branch)
    assert {task.origin_id for task in opened.values()} == {complaint.id}
    assert {(task.subject_type, task.subject_id, task.origin_kind) for task in opened.values()} == {
        ("customer", branch.customer, "complaint")
    }
    assert opened[ACKNOWLEDGEMENT].due_at == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert opened[RESOLUTION].due_at == datetime(2026, 12, 5, 16, tzinfo=UTC)
    kinds = [event["type"] for event in await branch.told("")]
    assert kinds == ["complaint.opened", "task.opened", "task.opened"]


async def test_d1_the_decision_stands_for_the_word_of_receipt_and_touches_no_other_complaint(branch: Any) -> None:
    first, second = await branch.complain(), await branch.complain()
    await branch.resolve(first)
    left = await branch.worklist(RowScope(ScopeKind.OWN, branch.rm_a))
    assert {(task.task_type, task.origin_id) for task in left} == {(ACKNOWLEDGEMENT, second.id), (RESOLUTION, second.id)}
    assert {event["in_time"] for event in await branch.told("task.completed")} == {True}


async def test_d1_a_decision_after_the_word_of_receipt_was_due_was_not_in_time_for_it(branch: Any) -> None:
    complaint = await branch.complain()
    branch.clock.advance(timedelta(days=5))
    await branch.resolve(complaint)
    in_time = {event["task_type"]: event["in_time"] for event in await branch.told("task.completed")}
    assert in_time == {ACKNOWLEDGEMENT: False, RESOLUTION: True}


async def test_d1_of_many_acknowledgements_at_once_one_counts_and_the_others_say_whose(branch: Any) -> None:
    complaint = await branch.complain()
    outcomes = await asyncio.gather(*(branch.acknowledge(complaint) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, Complaint) for outcome in outcomes) == 1
    refused = [str(outcome) for outcome in outcomes if isinstance(outcome, ComplaintAcknowledged)]
    assert refused == ["Acknowledged by n at 2026-11-20 07:00 UTC."] * 3
    assert len(await branch.told("complaint.acknowledged")) == len(await branch.told("task.completed")) == 1
    await branch.resolve(complaint)
    with pytest.raises(ComplaintResolved, match=r"^Resolved as upheld by n on 2026-11-20\.$"):
        await branch.acknowledge(complaint)


async def test_d1_naming_a_task_that_a_contact_cannot_end_is_refused_with_its_place_and_reason(branch: Any) -> None:
    await branch.complain()
    await branch.recommend(kind="retention")
    opened = await duties(branch)
    retention, resolution = opened["retention_contact"].id, opened[RESOLUTION].id
    with pytest.raises(CannotAnswer) as refused:
        await branch.contact(branch.rm_a, method="sms", answers=[retention, resolution])
    assert [(error.pointer, error.code) for error in refused.value.errors] == [
        ("/answers/0", "one_way"),
        ("/answers/1", "another_evidence"),
    ]
    with pytest.raises(NotTheCustomersTask) as unknown:
        await branch.contact(branch.rm_a, answers=[retention, UUID(int=7)])
    assert [error.pointer for error in unknown.value.errors] == ["/answers/1"]
    assert await branch.told("interaction") == []
    assert set(await duties(branch)) == set(opened)


async def test_d1_a_contact_ends_what_it_names_and_no_more(branch: Any) -> None:
    await branch.recommend(kind="retention")
    await branch.recommend(kind="care")
    opened = await duties(branch)
    sale = {"purpose": "related_sales"}
    assert await branch.contact(branch.rm_a, **sale) == []
    assert await branch.contact(branch.rm_a, **sale, result="not_reached", answers=[opened["care_contact"].id]) == []
    assert await branch.contact(branch.rm_a, **sale, answers=[opened["care_contact"].id]) == [opened["care_contact"].id]
    # Ended meanwhile: what happened is recorded in any case.
    assert await branch.contact(branch.rm_a, **sale, answers=[opened["care_contact"].id]) == []
    assert set(await duties(branch)) == {"retention_contact"}


async def test_d1_a_message_that_was_answered_is_a_conversation(branch: Any) -> None:
    await branch.recommend(kind="retention")
    assert await branch.contact(branch.rm_a, method="email") == []
    assert len(await branch.contact(branch.rm_a, method="email", replied=True)) == 1


async def test_d1_a_task_says_how_it_ended(branch: Any) -> None:
    await branch.recommend(kind="retention")
    [task] = (await duties(branch)).values()
    await branch.contact(branch.rm_a)
    async with branch.database.transaction(readonly=True) as uow:
        row = await uow.driver.fetchrow("SELECT state, ended_because, ended_by, completed_by FROM task WHERE id = $1", task.id)
    [recorded] = await branch.told("interaction")
    by = f"interaction:{recorded['interaction_id']}"
    assert tuple(row.values()) == ("completed", "answered", by, by)
