"""S5: planned on events, once however often and by however many planners; withdrawn when the reason goes; learnt from outcomes."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.clock import ManualClock
from guanxi_contracts.topics import validate_data
from scoring_svc.actions import planner, repository, service
from scoring_svc.actions.consumers import ACTION_ACCEPTED, ACTION_CONCLUDED, ACTION_DECLINED, ACTION_REOPENED, take_up_answers
from scoring_svc.actions.policy import ActionStandard, Tally
from scoring_svc.customers.policy import Consent
from scoring_svc.engagements.consumers import COMPLAINT_OPENED, COMPLAINT_RESOLVED, take_up_facts
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.ledger.repository import Entry, Reversal, fold_entries, fold_reversals
from scoring_svc.queues import planning
from scoring_svc.scorer.service import score_dirty_customers

from .conftest import DEPOSIT, NOW, TODAY, Desk

pytestmark = pytest.mark.anyio


async def test_s5_a_sale_is_recommended_once_with_channel_price_and_probability(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    await desk.plan()
    await desk.plan()
    [event] = await desk.published()
    validate_data("guanxi.action.recommended.v1", event)
    assert (event["kind"], event["reason_code"], event["product_code"]) == ("related_sale", "cross", "DEP-12M")
    assert (event["channel"], event["price"]["en"]) == ("phone", "1.45 % a year")
    assert event["content"]["zh"].startswith("介绍一年期定期存款")
    assert event["chosen_probability_bp"] == 10_000
    assert await desk.considered() == {"cross": ["asked_lately", "one_a_period"]}


async def test_s5_planners_side_by_side_recommend_within_the_limit(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT, {**DEPOSIT, "code": "DEP-24M", "margin_bp": 120})
    async with desk.database.transaction() as uow:
        for _ in range(60):
            await planning.mark(uow, [desk.customer], NOW)
        await uow.commit()
    await asyncio.gather(*(desk.plan(mark=False) for _ in range(3)))
    assert await desk.states() == [("cross", "open", None)]
    assert len(await desk.published()) == 1
    assert await desk.fetch("SELECT FROM action_due") == []


async def test_s5_what_a_killed_planner_did_not_commit_is_done_by_the_next(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    async with desk.database.transaction() as uow:
        await planning.mark(uow, [desk.customer], NOW)
        await uow.commit()
    async with desk.database.transaction() as uow:
        assert await planner.plan_due_customers(uow, desk.method, NOW) == 1
    assert await desk.states() == []
    await desk.plan(mark=False)
    assert await desk.states() == [("cross", "open", None)]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([("phone", False)], ("withdrawn", "no_consent")),
        ([("phone", False), ("sms", True)], ("withdrawn", "no_consent")),
        ([("phone", True), ("sms", False)], ("open", None)),
    ],
)
async def test_c6_a_withdrawal_for_its_channel_withdraws_an_open_offer(desk: Desk, said: Any, state: Any) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    await desk.plan()
    await desk.know(version=2, consents=tuple(Consent("marketing", channel, granted=granted) for channel, granted in said))
    await desk.plan()
    assert await desk.states() == [("cross", *state)]
    reasons = [event["reason"] for event in await desk.published() if set(event) == {"action_id", "customer_id", "reason"}]
    assert reasons == ([state[1]] if state[1] else [])


async def test_c6_a_vulnerability_holds_an_open_offer_also_when_its_review_is_overdue(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    await desk.plan()
    await desk.know(version=2, vulnerable_until=TODAY - timedelta(days=1))
    await desk.plan()
    assert await desk.states() == [("cross", "withdrawn", "hold")]


async def test_s5_a_complaint_withdraws_the_sale_and_is_no_action_itself(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    await desk.plan()
    opened = {"complaint_id": str(uuid4()), "customer_id": str(desk.customer), "opened_on": TODAY.isoformat()}
    await desk.handle(take_up_facts(desk.clock), COMPLAINT_OPENED, opened)
    await score(desk)
    await desk.plan(mark=False)
    assert await desk.states() == [("cross", "withdrawn", "hold")]
    withdrawn = [event for event in await desk.published() if set(event) == {"action_id", "customer_id", "reason"}]
    assert [event["reason"] for event in withdrawn] == ["hold"]


async def test_s5_a_complaint_holds_the_sale_until_it_is_resolved(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    facts, complaint = take_up_facts(desk.clock), str(uuid4())
    opened = {"complaint_id": complaint, "customer_id": str(desk.customer), "opened_on": TODAY.isoformat()}
    await desk.handle(facts, COMPLAINT_OPENED, opened)
    await score(desk)
    await desk.plan(mark=False)
    assert await desk.states() == []
    resolved = {"complaint_id": complaint, "customer_id": str(desk.customer), "resolved_on": TODAY.isoformat()}
    await desk.handle(facts, COMPLAINT_RESOLVED, resolved)
    await score(desk)
    await desk.plan(mark=False)
    assert await desk.states() == [("cross", "open", None)]


@pytest.mark.parametrize("kind", ["care", "date"])
@pytest.mark.parametrize("state", ["open", "accepted"])
async def test_d4_care_and_dates_recommended_before_are_withdrawn(desk: Desk, kind: str, state: str) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    await desk.plan()
    async with desk.database.transaction() as uow:
        await uow.driver.execute(
            "UPDATE action SET kind = $1, reason_code = 'before', state = $2, product_code = NULL", kind, state
        )
        await uow.commit()
    await desk.plan()
    assert await desk.states() == [("before", "withdrawn", "superseded")]
    assert [event["reason"] for event in await desk.published() if "kind" not in event] == ["superseded"]


async def test_s5_s7_a_reversed_posting_takes_its_action_back(desk: Desk) -> None:
    await desk.know()
    account = uuid4()
    days = [(10 * n, -500_000 - n) for n in range(1, 20)] + [(0, -90_000_000)]
    entries = [
        Entry(desk.customer, uuid4(), account, TODAY - timedelta(days=back), amount, "CNY", "transfer", "transfer")
        for back, amount in days
    ]
    async with desk.database.transaction() as uow:
        await fold_entries(uow, entries, NOW, NOW.date())
        await uow.commit()
    await score(desk)
    await desk.plan(mark=False)
    assert ("large_outflow", "open", None) in await desk.states()
    async with desk.database.transaction() as uow:
        await fold_reversals(uow, [Reversal(desk.customer, entries[-1].entry_id, uuid4())], NOW)
        await uow.commit()
    await score(desk)
    await desk.plan(mark=False)
    assert [state for state in await desk.states() if state[0] == "large_outflow"] == [
        ("large_outflow", "withdrawn", "reason_gone")
    ]


async def test_s5_an_action_expires_and_a_new_period_asks_again(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    await desk.plan()
    desk.clock.advance(timedelta(days=31))
    async with desk.database.transaction() as uow:
        assert await planner.queue_the_day(uow, desk.method, desk.clock.now()) == 1
        assert await planner.queue_the_day(uow, desk.method, desk.clock.now()) == 0
        await uow.commit()
    await desk.plan(mark=False)
    assert await desk.states() == [("cross", "withdrawn", "expired"), ("cross", "open", None)]


async def test_s5_outcomes_are_learnt_from_once_and_a_decline_is_no_failure(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    await desk.plan()
    [action] = await desk.published()
    answers = take_up_answers(desk.clock)
    told = {"action_id": action["action_id"], "customer_id": str(desk.customer), "task_id": str(uuid4())}
    await desk.handle(answers, ACTION_ACCEPTED, told)
    assert await desk.states() == [("cross", "accepted", None)]
    ended = {**told, "outcome": "success", "concluded_on": TODAY.isoformat()}
    await desk.handle(answers, ACTION_CONCLUDED, ended, ended)
    await desk.handle(answers, ACTION_CONCLUDED, {**ended, "outcome": "negative"})
    await desk.handle(answers, ACTION_DECLINED, {**told, "action_id": str(uuid4()), "reason": "quiet"})
    assert await desk.states() == [("cross", "concluded", "success")]
    async with desk.database.transaction(readonly=True) as uow:
        assert await repository.read_levers(uow) == {("related_sale", "phone"): Tally(1, 0)}


async def test_d3_an_action_worked_on_again_is_live_and_its_outcome_is_learnt_anew(desk: Desk) -> None:
    await desk.know()
    await desk.offer(DEPOSIT)
    await desk.plan()
    [action] = await desk.published()
    answers = take_up_answers(desk.clock)
    told = {"action_id": action["action_id"], "customer_id": str(desk.customer), "task_id": str(uuid4())}
    await desk.handle(answers, ACTION_ACCEPTED, told)
    await desk.handle(answers, ACTION_REOPENED, told)
    ended = {**told, "outcome": "success", "concluded_on": TODAY.isoformat()}
    await desk.handle(answers, ACTION_CONCLUDED, ended)
    await desk.handle(answers, ACTION_REOPENED, told, told)
    assert await desk.states() == [("cross", "accepted", None)]
    await desk.handle(answers, ACTION_CONCLUDED, {**ended, "outcome": "negative"})
    assert await desk.states() == [("cross", "concluded", "negative")]
    async with desk.database.transaction(readonly=True) as uow:
        assert await repository.read_levers(uow) == {("related_sale", "phone"): Tally(0, 1)}


async def test_s5_outcomes_counted_side_by_side_are_all_counted(desk: Desk) -> None:
    async def count(number: int) -> None:
        async with desk.database.transaction() as uow:
            await repository.count_outcome(uow, "care", "phone", success=number % 3 == 0)
            await uow.commit()

    await asyncio.gather(*(count(number) for number in range(30)))
    async with desk.database.transaction(readonly=True) as uow:
        assert await repository.read_levers(uow) == {("care", "phone"): Tally(10, 20)}


async def test_s5_a_customer_without_consent_is_reported_with_the_rule(desk: Desk) -> None:
    await desk.know(consents=())
    await desk.offer(DEPOSIT)
    await desk.plan()
    assert await desk.states() == []
    assert await desk.considered() == {"cross": ["consent"]}
    await desk.know(2)
    await desk.plan()
    assert await desk.states() == [("cross", "open", None)]


async def test_s5_the_uplift_report_counts_each_group_by_intention_to_treat(desk: Desk) -> None:
    everyone = desk.method.replacing(replace(desk.method[ActionStandard], hold_out_bp=5_000))
    desk = Desk(desk.database, everyone, ManualClock(NOW), keep_facts=desk.keep_facts)
    for number in range(12):
        desk.customer = uuid4()
        await desk.know()
        await desk.plan()
        if number % 2:
            acted = Entry(desk.customer, uuid4(), uuid4(), TODAY + timedelta(days=80), -100, "CNY", "card", "card")
            async with desk.database.transaction() as uow:
                await fold_entries(uow, [acted], NOW + timedelta(days=80), NOW.date() + timedelta(days=80))
                await uow.commit()
    groups = await desk.fetch("SELECT hold_out, count(*) AS customers FROM action_plan GROUP BY hold_out")
    counted = {row["hold_out"]: row["customers"] for row in groups}
    horizon = everyone[ActionStandard].horizon_days

    async def report(days: int) -> Any:
        async with desk.database.transaction(readonly=True) as uow:
            classes = everyone[ActivityClasses].customer_initiated
            return await service.read_uplift(uow, everyone[ActionStandard], classes, TODAY + timedelta(days=days))

    assert (await report(horizon - 1)).treated.customers == 0
    found = await report(horizon)
    assert (found.treated.customers, found.held_out.customers) == (counted.get(False, 0), counted.get(True, 0))
    assert found.treated.stayed + found.held_out.stayed == 6
    assert found.treated.bought + found.held_out.bought == 0


async def test_s4_a_snapshot_that_is_no_product_leaves_the_last_good_one(desk: Desk) -> None:
    await desk.offer(DEPOSIT)
    with pytest.raises(Exception, match="invalid_snapshot"):
        await desk.offer({**DEPOSIT, "version": 2, "risk_class": "high"})
    await desk.offer({**DEPOSIT, "version": 3, "margin_bp": 90}, {**DEPOSIT, "version": 2})
    rows = await desk.fetch("SELECT version, detail ->> 'margin_bp' AS margin FROM product")
    assert [(row["version"], row["margin"]) for row in rows] == [(3, "90")]


async def score(desk: Desk) -> None:
    """Let the scorer do its part."""
    done = 1
    while done:
        async with desk.database.transaction() as uow:
            done = await score_dirty_customers(uow, desk.method, desk.clock.now())
            await uow.commit()
