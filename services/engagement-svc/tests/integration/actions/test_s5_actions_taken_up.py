"""S5: a recommended action is decided on once, carried by one task, and concluded by what came of it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.actions.errors import AlreadyDeclined, NotDeclinable
from engagement_svc.tasks.errors import TaskEnded
from guanxi_common.errors import NotFound
from guanxi_common.security.principal import RowScope, ScopeKind

pytestmark = pytest.mark.anyio

OFFER = {"kind": "related_sale", "consent_purpose": "marketing", "channel": "sms", "product_code": "term_deposit"}


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


async def types(branch: Any) -> list[str]:
    return [event["type"] for event in await branch.told("action")]


async def test_s5_an_accepted_action_is_a_task_and_a_contact_set_aside(branch: Any) -> None:
    action = await branch.recommend(**OFFER)
    [task] = await branch.worklist(own(branch.rm_a))
    assert task.origin == f"action:{action}"
    assert task.evidence["action"]["product_code"] == "term_deposit"
    assert await branch.budget() == (0, 1, 0)
    [accepted] = await branch.told("action")
    assert (accepted["type"], accepted["task_id"]) == ("action.accepted", str(task.id))


async def test_s5_told_three_times_at_once_it_is_taken_up_once(branch: Any) -> None:
    action = uuid4()
    told = await asyncio.gather(*(branch.recommend(action_id=action, **OFFER) for _ in range(3)), return_exceptions=True)
    # Its key is the wall: of two that look at the same moment one fails, and the runner tries it again.
    for failed in (outcome for outcome in told if isinstance(outcome, BaseException)):
        assert "pk_action" in str(failed) or "ix_task_origin" in str(failed)
        await branch.recommend(action_id=action, **OFFER)
    assert len(await branch.worklist(own(branch.rm_a))) == 1
    assert await types(branch) == ["action.accepted"]
    assert await branch.budget() == (0, 1, 0)


async def test_s5_one_contact_concludes_all_actions_and_uses_one_reservation(branch: Any) -> None:
    actions = {str(await branch.recommend(**OFFER)) for _ in range(2)}
    assert await branch.budget() == (0, 2, 0)
    await branch.contact(branch.rm_a, purpose="related_sales")
    concluded = await branch.told("action.concluded")
    assert {event["action_id"] for event in concluded} == actions
    assert {(event["outcome"], event["concluded_on"]) for event in concluded} == {("success", "2026-11-20")}
    assert await branch.budget() == (1, 0, 0)


async def test_s5_a_customer_who_came_uses_no_contact(branch: Any) -> None:
    await branch.recommend(**OFFER)
    await branch.contact(branch.rm_a, purpose="related_sales", direction="inbound", result="reached_negative")
    [concluded] = await branch.told("action.concluded")
    assert concluded["outcome"] == "negative"
    assert await branch.budget() == (0, 0, 0)


async def test_s5_an_attempt_in_vain_concludes_nothing(branch: Any) -> None:
    await branch.recommend(**OFFER)
    await branch.contact(branch.rm_a, purpose="related_sales", result="not_reached")
    assert await types(branch) == ["action.accepted"]
    assert await branch.budget() == (0, 1, 0)


async def test_d5_offers_stop_at_the_agreed_limit_and_duties_need_none_of_it(branch: Any) -> None:
    await branch.agree(contact_limits={"max_contacts": 1, "per_days": 30})
    await branch.recommend(**OFFER)
    await branch.recommend(**OFFER)
    [declined] = await branch.told("action.declined")
    assert (declined["reason"], declined.get("declined_by")) == ("contact_budget", None)
    await branch.recommend(kind="retention")
    assert await types(branch) == ["action.accepted", "action.declined", "action.accepted"]
    assert await branch.budget() == (0, 1, 0)


async def test_s5_a_withdrawn_consent_acts_at_once(branch: Any) -> None:
    await branch.agree(consents=[{"purpose": "marketing", "channel": "sms", "granted": False}])
    await branch.recommend(**OFFER)
    await branch.recommend(**{**OFFER, "channel": "phone"})
    assert [event.get("reason") for event in await branch.told("action")] == ["no_consent", None]


async def test_s5_what_comes_after_its_date_is_declined(branch: Any) -> None:
    await branch.recommend(expires_on="2026-11-19")
    assert [event["reason"] for event in await branch.told("action")] == ["expired"]
    assert await branch.worklist(own(branch.rm_a)) == []


async def test_s5_a_withdrawn_action_leaves_the_list_and_frees_its_contact(branch: Any) -> None:
    action = await branch.recommend(**OFFER)
    await branch.withdraw(action)
    await branch.withdraw(action)
    await branch.withdraw(uuid4())
    [cancelled] = await branch.told("task.cancelled")
    assert (cancelled["ended_because"], cancelled["ended_by"]) == ("withdrawn", f"action:{action}")
    assert await branch.worklist(own(branch.rm_a)) == []
    assert await branch.budget() == (0, 0, 0)
    assert await branch.contact(branch.rm_a, purpose="related_sales") == []


async def test_s5_what_a_contact_has_ended_is_not_withdrawn(branch: Any) -> None:
    action = await branch.recommend(**OFFER)
    await branch.contact(branch.rm_a, purpose="related_sales")
    await branch.withdraw(action)
    assert await branch.budget() == (1, 0, 0)
    assert await types(branch) == ["action.accepted", "action.concluded"]


async def test_s5_an_offer_may_be_declined_by_its_rm_alone_and_a_duty_by_nobody(branch: Any) -> None:
    await branch.recommend(**OFFER)
    await branch.recommend(kind="service")
    offer, duty = sorted(await branch.worklist(own(branch.rm_a)), key=lambda task: task.evidence["action"]["kind"])
    with pytest.raises(NotFound):
        await branch.decline(branch.rm_b, offer.id)
    with pytest.raises(NotDeclinable):
        await branch.decline(branch.rm_a, duty.id)
    await branch.decline(branch.rm_a, offer.id)
    with pytest.raises(AlreadyDeclined, match=r"^Declined by n at 2026-11-20 07:00 UTC\.$"):
        await branch.decline(branch.rm_a, offer.id)
    [declined] = await branch.told("action.declined")
    assert (declined["reason"], declined["declined_by"]) == ("rm_declined", str(branch.rm_a))
    assert [task.id for task in await branch.worklist(own(branch.rm_a))] == [duty.id]
    assert await branch.budget() == (0, 0, 0)


async def test_d1_an_offer_that_has_ended_otherwise_says_so(branch: Any) -> None:
    await branch.recommend(**OFFER)
    [offer] = await branch.worklist(own(branch.rm_a))
    branch.clock.advance(timedelta(days=15))
    await branch.expire()
    with pytest.raises(TaskEnded, match=r"^Expired by system at 2026-12-05 07:00 UTC\.$"):
        await branch.decline(branch.rm_a, offer.id)
    [cancelled] = await branch.told("task.cancelled")
    assert (cancelled["task_id"], cancelled["ended_because"], cancelled["ended_by"]) == (str(offer.id), "expired", "system")


async def test_s5_offers_expire_once_and_duties_stay(branch: Any) -> None:
    await branch.recommend(**OFFER)
    await branch.recommend(kind="retention")
    branch.clock.advance(timedelta(days=15))
    assert sorted(await asyncio.gather(branch.expire(), branch.expire())) == [0, 1]
    [concluded] = await branch.told("action.concluded")
    assert (concluded["outcome"], concluded.get("interaction_id")) == ("expired", None)
    [task] = await branch.worklist(own(branch.rm_a))
    assert task.evidence["action"]["kind"] == "retention"
