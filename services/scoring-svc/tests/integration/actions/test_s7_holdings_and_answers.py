"""S7: maturities ahead and falling satisfaction are signalled once however events arrive, and answered by an action."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.money import POSTING_LIMIT
from guanxi_contracts.topics import validate_data
from scoring_svc.engagements.consumers import SURVEY_ANSWERED, take_up_facts
from scoring_svc.holdings.consumers import ACCOUNT_CLOSED, ACCOUNT_OPENED, BALANCE_REPORTED, take_up_accounts
from scoring_svc.scorer.service import score_dirty_customers

from .conftest import NOW, TODAY, Desk

pytestmark = pytest.mark.anyio


def opened(account: UUID, matures_in: int | None) -> tuple[str, dict[str, Any]]:
    told = {"product_code": "term", "currency": "CNY", "opened_on": (TODAY - timedelta(days=300)).isoformat()}
    ends = {} if matures_in is None else {"matures_on": (TODAY + timedelta(days=matures_in)).isoformat()}
    return ACCOUNT_OPENED, {"account_id": str(account), **told, **ends}


def balance(account: UUID, days_ago: int, amount: int) -> tuple[str, dict[str, Any]]:
    told = {"as_of": (TODAY - timedelta(days=days_ago)).isoformat(), "money": {"amount": amount, "currency": "CNY"}}
    return BALANCE_REPORTED, {"account_id": str(account), **told}


def answer(days_ago: int, satisfaction: int) -> tuple[str, dict[str, Any]]:
    on = (TODAY - timedelta(days=days_ago)).isoformat()
    return SURVEY_ANSWERED, {"answer_id": str(uuid4()), "answered_on": on, "satisfaction": satisfaction, "nps": None}


@pytest.mark.parametrize("seed", range(6))
async def test_s7_shuffled_and_tripled_events_give_each_signal_once(seed: int, desk: Desk) -> None:
    chance = random.Random(seed)
    near, far, ended, no_end = (uuid4() for _ in range(4))
    events = [
        opened(near, 30),
        balance(near, 40, 1_000_000),
        balance(near, 2, 7_000_000),
        opened(far, 31),
        opened(ended, 10),
        (ACCOUNT_CLOSED, {"account_id": str(ended), "closed_on": (TODAY - timedelta(days=1)).isoformat()}),
        opened(no_end, None),
        answer(200, 5),
        answer(3, 2),
    ]
    told = [*events, *events, *events]
    chance.shuffle(told)
    await desk.know()
    accounts, facts = take_up_accounts(desk.clock), take_up_facts(desk.clock)
    for type_, data in told:
        await give(desk, facts if type_ == SURVEY_ANSWERED else accounts, type_, data)
        if chance.random() < 0.2 and type_ == SURVEY_ANSWERED:
            await settle(desk)
    await settle(desk)
    raised = await desk.fetch("SELECT kind, business_date, historical, evidence FROM signal ORDER BY kind")
    kinds = [row["kind"] for row in raised if row["evidence"].get("evidence_ids") != [str(ended)]]
    assert kinds == ["maturity_ahead", "satisfaction_drop"]
    maturity = next(row for row in raised if row["evidence"]["evidence_ids"] == [str(near)])
    assert (maturity["business_date"], maturity["historical"]) == (TODAY, False)
    published = await desk.published("scoring.signals")
    for event in published:
        validate_data("guanxi.signal.raised.v1", event)
    assert len({event["signal_id"] for event in published}) == len(published) == len(raised)


async def test_s7_a_maturity_known_late_is_still_acted_on_and_its_end_takes_the_action_back(desk: Desk) -> None:
    await desk.know()
    account = uuid4()
    accounts = take_up_accounts(desk.clock)
    await give(desk, accounts, *opened(account, 2))
    await give(desk, accounts, *balance(account, 1, 5_000_000))
    await settle(desk)
    assert await desk.states() == [("maturity_ahead", "open", None)]
    [event] = await desk.published()
    assert (event["kind"], event["value_minor"]) == ("service", 75_000)
    assert "50000.00" in event["reason"]["en"].replace(",", "")
    await give(desk, accounts, ACCOUNT_CLOSED, {"account_id": str(account), "closed_on": TODAY.isoformat()})
    await settle(desk)
    assert await desk.states() == [("maturity_ahead", "withdrawn", "reason_gone")]


async def test_s7_satisfaction_falls_by_two_points_to_three_or_less(desk: Desk) -> None:
    await desk.know()
    facts = take_up_facts(desk.clock)
    for days_ago, satisfaction in ((90, 5), (60, 4), (40, 4), (10, 1)):
        await give(desk, facts, *answer(days_ago, satisfaction))
    await settle(desk)
    [row] = await desk.fetch("SELECT kind, severity, currency, evidence FROM signal")
    assert (row["kind"], row["severity"], row["currency"]) == ("satisfaction_drop", "critical", "XXX")
    assert (row["evidence"]["satisfaction_before"], row["evidence"]["satisfaction"]) == (4, 1)


async def give(desk: Desk, handler: Any, type_: str, data: dict[str, Any]) -> None:
    told = {"customer_id": str(desk.customer), **data}
    async with desk.database.transaction() as uow:
        await handler(uow, [Envelope(uuid4(), type_, "-", str(desk.customer), "/", NOW, told)])
        await uow.commit()


async def settle(desk: Desk) -> None:
    """The scorer and the planner do all that waits for them."""
    done = 1
    while done:
        async with desk.database.transaction() as uow:
            done = await score_dirty_customers(uow, desk.method, desk.clock.now())
            await uow.commit()
    await desk.plan(mark=False)


@pytest.mark.parametrize("amount", [POSTING_LIMIT + 1, -POSTING_LIMIT - 1, 2**63 - 1])
async def test_d18_a_balance_beyond_the_limit_is_refused(desk: Desk, amount: int) -> None:
    handler, account = take_up_accounts(desk.clock), uuid4()
    await give(desk, handler, *balance(account, 2, POSTING_LIMIT))
    with pytest.raises(PermanentError) as refused:
        await give(desk, handler, *balance(account, 1, amount))
    assert refused.value.reason == "amount_out_of_range"
