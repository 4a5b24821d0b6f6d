"""D3: what followed from a contact follows its correction: tasks, actions and the contact budget; both revisions stay readable."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from engagement_svc.interactions import repository
from engagement_svc.interactions.errors import ContactInTheFuture, CorrectionClosed, NothingCorrected, NotTheAuthor
from engagement_svc.interactions.repository import Interaction
from engagement_svc.interactions.schemas import InteractionCorrection, InteractionRecord
from engagement_svc.interactions.service import correct_interaction, record_interaction
from engagement_svc.rules import Rules
from engagement_svc.standards import load_standards
from engagement_svc.tasks.errors import CannotAnswer
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import NotFound, StaleVersion
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_contracts.topics import validate_data
from guanxi_testing.work import work_of

pytestmark = pytest.mark.anyio

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
RULES = Rules(load_standards(), CALENDAR)
DAY = timedelta(days=1)
OFFER = {"kind": "related_sale", "consent_purpose": "marketing", "channel": "phone", "product_code": "term_deposit"}
SAID = {"purpose": "marketing", "channel": "phone", "granted": True, "since": "2026-11-01T00:00:00Z"}


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


def lead_of(branch: Any) -> RowScope:
    return RowScope(ScopeKind.OUTLET, branch.lead, (branch.outlet,))


async def record(branch: Any, **said: Any) -> Interaction:
    body = {"method": "phone", "purpose": "care", "occurred_at": branch.clock.now(), "content": "Talked."}
    told = InteractionRecord(customer_id=branch.customer, **{**body, "result": "reached_positive", **said})
    async with branch.database.transaction() as uow:
        recorded = await record_interaction(branch.work(uow), RULES, told)
        await uow.commit()
    return recorded


async def correct(branch: Any, contact: Interaction, scope: RowScope | None = None, **said: Any) -> Interaction:
    """As over HTTP: `If-Match` names the revision that the caller has read."""
    told = InteractionCorrection.model_validate({"reason": "记错", **said})
    async with branch.database.transaction() as uow:
        work = work_of(uow, scope or own(branch.rm_a), branch.clock.now(), CALENDAR, allowed=(contact.revision,))
        corrected = await correct_interaction(work, RULES, contact.id, told)
        await uow.commit()
    return corrected


async def open_tasks(branch: Any) -> list[Any]:
    return await branch.worklist(own(branch.rm_a))


async def kinds_told(branch: Any) -> list[str]:
    return [event["type"] for event in await branch.told("")]


async def test_d3_a_task_that_the_contact_answers_no_more_is_open_again_with_its_clock(branch: Any) -> None:
    action = await branch.recommend()
    [task] = await open_tasks(branch)
    contact = await record(branch)
    assert contact.completed_task_ids == [task.id]
    branch.clock.advance(DAY)
    corrected = await correct(branch, contact, result="not_reached")
    assert (corrected.revision, corrected.completed_task_ids) == (2, [])
    [again] = await open_tasks(branch)
    assert (again.id, again.due_at, again.rank_key, again.owner_id) == (task.id, task.due_at, task.rank_key, branch.rm_a)
    assert again.reopened_at == branch.clock.now()
    assert (await kinds_told(branch))[-3:] == ["task.reopened", "action.reopened", "interaction.corrected"]
    for event_type in ("interaction.corrected", "task.reopened", "action.reopened"):
        [told] = await branch.told(event_type)
        validate_data(f"guanxi.{told.pop('type')}.v1", told)
    # The action is worked on as before: the next contact concludes it.
    assert (await record(branch)).completed_task_ids == [task.id]
    assert [(event["action_id"], event["outcome"]) for event in await branch.told("action.concluded")] == [
        (str(action), "success")
    ] * 2


async def test_d3_a_task_open_again_has_a_business_day_before_it_is_breached(branch: Any) -> None:
    """Due on Tuesday 15:00; corrected on Thursday 15:00, so that it is breached on Friday 15:00 and not at once."""
    await branch.recommend()
    contact = await record(branch)
    branch.clock.advance(6 * DAY)
    outcomes = await asyncio.gather(correct(branch, contact, result="not_reached"), branch.breach())
    assert outcomes[1] == 0
    assert await branch.breach() == 0
    branch.clock.advance(DAY - timedelta(seconds=1))
    assert await branch.breach() == 0
    branch.clock.advance(timedelta(seconds=1))
    assert await branch.breach() == 1


async def test_d3_a_clock_breached_before_the_contact_stays_breached(branch: Any) -> None:
    await branch.recommend()
    branch.clock.advance(5 * DAY)
    assert await branch.breach() == 1
    contact = await record(branch)
    await correct(branch, contact, result="not_reached")
    [task] = await open_tasks(branch)
    assert task.breached_at is not None
    branch.clock.advance(5 * DAY)
    assert await branch.breach() == 0


async def test_d3_a_contact_that_is_an_answer_after_all_ends_what_it_answers(branch: Any) -> None:
    await branch.recommend()
    [task] = await open_tasks(branch)
    contact = await record(branch, result="not_reached")
    corrected = await correct(branch, contact, result="reached_negative")
    assert corrected.completed_task_ids == [task.id]
    assert [event["outcome"] for event in await branch.told("action.concluded")] == ["negative"]
    assert await branch.budget() == (1, 0, 0)


async def test_d3_another_outcome_is_told_and_the_task_stays_ended(branch: Any) -> None:
    await branch.recommend()
    contact = await record(branch)
    corrected = await correct(branch, contact, result="reached_negative")
    assert corrected.completed_task_ids == contact.completed_task_ids
    told = [(event["type"], event.get("outcome")) for event in await branch.told("action")][1:]
    assert told == [("action.concluded", "success"), ("action.reopened", None), ("action.concluded", "negative")]
    assert await branch.told("task.reopened") == []
    await correct(branch, corrected, content="Talked about the flat.")
    assert len(await branch.told("action")) == 4


@pytest.mark.parametrize(
    ("first", "said", "used"),
    [
        ({}, {"result": "not_reached"}, 0),
        ({}, {"direction": "inbound"}, 0),
        ({}, {"purpose": "service"}, 0),
        ({}, {"purpose": "related_sales"}, 1),
        ({}, {"content": "Asked."}, 1),
        ({"purpose": "service"}, {"purpose": "care"}, 1),
        ({"result": "not_reached"}, {"result": "reached_neutral"}, 1),
        ({"direction": "inbound"}, {"direction": "outbound"}, 1),
    ],
)
async def test_d3_the_budget_follows(branch: Any, first: dict[str, str], said: dict[str, str], used: int) -> None:
    contact = await record(branch, **first)
    await correct(branch, contact, **said)
    assert await branch.budget() == (used, 0, 0)


async def test_d3_a_contact_of_another_day_counts_on_that_day(branch: Any) -> None:
    contact = await record(branch)
    corrected = await correct(branch, contact, occurred_at=(branch.clock.now() - 3 * DAY).isoformat())
    assert (str(corrected.booked_on), corrected.late) == ("2026-11-17", True)
    async with branch.database.transaction(readonly=True) as uow:
        rows = await uow.driver.fetch("SELECT on_day::text FROM contact_reservation WHERE state = 'confirmed'")
    assert [row[0] for row in rows] == ["2026-11-17"]


async def test_d3_an_offer_worked_on_again_rests_on_a_contact_set_aside_anew(branch: Any) -> None:
    await branch.agree(consents=[SAID])
    await branch.recommend(**OFFER)
    assert await branch.budget() == (0, 1, 0)
    contact = await record(branch, purpose="related_sales")
    assert await branch.budget() == (1, 0, 0)
    contact = await correct(branch, contact, result="not_reached")
    assert await branch.budget() == (0, 1, 0)
    await correct(branch, contact, result="declined")
    assert await branch.budget() == (1, 0, 0)
    assert [event["outcome"] for event in await branch.told("action.concluded")] == ["success", "negative"]


async def test_d3_an_offer_whose_consent_has_gone_meanwhile_is_not_worked_on_again(branch: Any) -> None:
    await branch.agree(consents=[SAID])
    await branch.recommend(**OFFER)
    contact = await record(branch, purpose="related_sales")
    await branch.agree(consents=[{**SAID, "granted": False}])
    await correct(branch, contact, result="not_reached")
    assert await open_tasks(branch) == []
    [declined] = await branch.told("action.declined")
    assert declined["reason"] == "no_consent"
    assert await branch.budget() == (0, 0, 0)


async def test_d3_an_offer_is_not_worked_on_again_while_selling_is_held(branch: Any) -> None:
    await branch.agree(consents=[SAID])
    await branch.recommend(**OFFER)
    contact = await record(branch, purpose="related_sales")
    await branch.complain()
    await correct(branch, contact, result="not_reached")
    assert {task.task_type for task in await open_tasks(branch)} == {"complaint_acknowledgement", "complaint_resolution"}
    [declined] = await branch.told("action.declined")
    assert declined["reason"] == "sales_hold"
    assert await branch.budget() == (0, 0, 0)


async def test_d3_what_the_record_named_stays_named_unless_the_correction_says_otherwise(branch: Any) -> None:
    await branch.recommend(kind="retention")
    await branch.recommend(kind="care")
    opened = {task.task_type: task.id for task in await open_tasks(branch)}
    named = [opened["care_contact"]]
    contact = await record(branch, purpose="related_sales", answers=named)
    corrected = await correct(branch, contact, content="Talked about a card.")
    assert corrected.completed_task_ids == named
    with pytest.raises(CannotAnswer):
        await correct(branch, corrected, method="sms")
    corrected = await correct(branch, corrected, purpose="care", answers=None)
    assert set(corrected.completed_task_ids) == set(opened.values())


async def test_d3_a_slip_of_the_pen_has_nothing_judged_again(branch: Any) -> None:
    """Of a record from before `answers` were kept the purpose alone would be left to judge by."""
    await branch.recommend()
    [task] = await open_tasks(branch)
    contact = await record(branch, purpose="plan_follow_up", answers=[task.id])
    used = await branch.budget()
    async with branch.database.transaction() as uow:
        await uow.driver.execute("UPDATE interaction SET answers = NULL")
        await uow.commit()
    corrected = await correct(branch, contact, content="Talked at length.")
    assert (corrected.content, corrected.completed_task_ids) == ("Talked at length.", [task.id])
    assert await open_tasks(branch) == []
    assert (await kinds_told(branch))[-1] == "interaction.corrected"
    assert await branch.told("task.reopened") == []
    assert await branch.budget() == used


async def test_d3_a_contact_stays_in_the_budget_however_often_it_is_corrected(branch: Any) -> None:
    """A visit about the customer's own matter answered a care call: it counts as care, before and after."""
    await branch.recommend(kind="care", channel="phone")
    [task] = await open_tasks(branch)
    contact = await record(branch, method="visit", purpose="service", answers=[task.id])
    for result in ("reached_neutral", "reached_positive", "reached_neutral"):
        assert await branch.budget() == (1, 0, 0)
        contact = await correct(branch, contact, result=result)
    assert await branch.budget() == (1, 0, 0)


async def test_d3_a_contact_is_never_moved_behind_its_own_record(branch: Any) -> None:
    contact = await record(branch)
    branch.clock.advance(4 * DAY)
    with pytest.raises(ContactInTheFuture):
        await correct(branch, contact, occurred_at=contact.recorded_at + DAY)
    moved = await correct(branch, contact, occurred_at=contact.recorded_at - DAY)
    assert moved.occurred_at == contact.recorded_at - DAY


async def test_d3_of_two_corrections_at_once_one_counts(branch: Any) -> None:
    await branch.recommend()
    contact = await record(branch)
    outcomes = await asyncio.gather(
        *(correct(branch, contact, result=result) for result in ("not_reached", "reached_negative", "declined")),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, StaleVersion) for outcome in outcomes) == 2
    [corrected] = [outcome for outcome in outcomes if isinstance(outcome, Interaction)]
    assert corrected.revision == 2
    assert len(await branch.told("interaction.corrected")) == 1
    assert len(await open_tasks(branch)) == (corrected.result == "not_reached")


async def test_d3_who_may_not_correct_changes_nothing(branch: Any) -> None:
    contact = await record(branch)
    with pytest.raises(NotFound):
        await correct(branch, contact, own(branch.rm_b), result="declined")
    with pytest.raises(NothingCorrected):
        await correct(branch, contact, result="reached_positive")
    with pytest.raises(ContactInTheFuture):
        await correct(branch, contact, occurred_at=(branch.clock.now() + DAY).isoformat())
    with pytest.raises(ValueError, match="result"):
        await correct(branch, contact, result=None)
    by_lead = await correct(branch, contact, lead_of(branch), result="declined")
    assert (by_lead.corrected_by, by_lead.recorded_by, by_lead.correction_reason) == (branch.lead, branch.rm_a, "记错")
    branch.clock.advance(8 * DAY)
    with pytest.raises(CorrectionClosed):
        await correct(branch, by_lead, result="reached_neutral")
    async with branch.database.transaction() as uow:
        await uow.driver.execute("UPDATE interaction SET recorded_by = $1", branch.rm_b)
        await uow.commit()
    with pytest.raises(NotTheAuthor):
        await correct(branch, by_lead, result="reached_neutral")
    assert len(await branch.told("interaction.corrected")) == 1


async def test_d3_every_revision_stays_readable(branch: Any) -> None:
    first = await record(branch, participants=["王伟"], answers=None)
    second = await correct(branch, first, content="Second.", next_step="Call.")
    third = await correct(branch, second, participants=[], occurred_at=datetime(2026, 11, 19, 1, tzinfo=UTC).isoformat())
    async with branch.database.transaction(readonly=True) as uow:
        latest = await repository.read_interaction(uow, own(branch.rm_a), first.id, branch.clock.now())
        assert latest == third
        assert await repository.list_revisions(uow, latest, None, 10) == [third, second, first]
        assert await repository.list_revisions(uow, latest, None, 2) == [third, second]
        assert await repository.list_revisions(uow, latest, 2, 2) == [first]
