"""D4: the day's pass opens each touch once, and what scoring-svc recommended before is not doubled."""

import asyncio
import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.actions.service import Recommendation
from engagement_svc.customers.consumers import AGREEMENTS, FILES
from engagement_svc.interactions.schemas import InteractionRecord
from engagement_svc.interactions.service import record_interaction
from engagement_svc.rules import Rules
from engagement_svc.standards import load_standards
from engagement_svc.touches import service
from engagement_svc.touches.consumers import touches_follow_customers
from engagement_svc.touches.policy import load_touch_standard
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.facets import keep
from guanxi_common.messaging.envelope import Envelope, Version
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_common.work import Work

pytestmark = pytest.mark.anyio

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
RULES = Rules(load_standards(), CALENDAR)
TOUCHES = load_touch_standard()
BORN = date(1980, 11, 24)  # the clock of the branch stands at 20 November 2026


async def step(branch: Any) -> int:
    async with branch.database.transaction() as uow:
        done = await service.open_touches(Work.of_system(uow, "touches", branch.clock.now(), CALENDAR), RULES, TOUCHES)
        await uow.commit()
    return int(done)


async def look(branch: Any) -> None:
    """The whole pass of the day."""
    while await step(branch):
        pass


async def tell(branch: Any, customer: UUID) -> None:
    """The step behind the replica, for a snapshot of the customer's."""
    event = Envelope(uuid4(), FILES.type, FILES.topic, str(customer), "/customer-svc", branch.clock.now(), {}, 1)
    async with branch.database.transaction() as uow:
        await touches_follow_customers(branch.parts)(uow, [event])
        await uow.commit()


async def know(branch: Any, born: date | None = BORN, days: int = 30, **more: Any) -> UUID:
    """A further customer of RM A's, for so many days in the book."""
    customer, since = uuid4(), branch.clock.now() - timedelta(days=days)
    async with branch.database.transaction() as uow:
        await keep(uow, FILES, [(customer, Version(1, 1), ("person", branch.outlet, "zh", "李娜", born))])
        limit = more.get("max_contacts"), more.get("contact_period_days")
        agreed = [json.dumps(more.get(name, [])) for name in ("consents", "preferred_channels")]
        await keep(uow, AGREEMENTS, [(customer, Version(1, 1), (*limit, None, None, *agreed))])
        await directory.apply_books(uow, [Book(customer, (Assignment("primary_rm", branch.rm_a, branch.outlet, since),), 1)])
        await uow.commit()
    return customer


async def tasks(branch: Any, customer: UUID | None = None) -> list[tuple[str, str]]:
    async with branch.database.transaction(readonly=True) as uow:
        rows = await uow.driver.fetch(
            "SELECT task_type, coalesce(ended_because, state) AS state FROM task WHERE customer_id = $1 ORDER BY opened_at, id",
            customer or branch.customer,
        )
    return [(row["task_type"], row["state"]) for row in rows]


async def test_d4_a_birthday_and_a_silence_become_tasks_with_a_contact_set_aside(branch: Any) -> None:
    born, silent, new = (
        await know(branch),
        await know(branch, None, 90, preferred_channels=("wechat",)),
        await know(branch, None, 89),
    )
    await look(branch)
    assert await tasks(branch, born) == [("greeting", "open")]
    assert await tasks(branch, silent) == [("care_contact", "open")]
    assert await tasks(branch, new) == []
    listed = {task.customer_id: task for task in await branch.worklist(RowScope(ScopeKind.OWN, branch.rm_a))}
    assert (listed[born].reason_code, listed[born].evidence["action"]["channel"]) == ("birthday", "phone")
    assert (listed[silent].evidence["action"]["channel"], listed[silent].evidence["silent_days"]) == ("wechat", 90)
    assert "1980" not in str(listed[born].evidence)
    async with branch.database.transaction(readonly=True) as uow:
        held = await uow.driver.fetch("SELECT customer_id, purpose, state FROM contact_reservation")
    assert {(row["customer_id"], row["purpose"], row["state"]) for row in held} == {
        (born, "care", "reserved"), (silent, "care", "reserved")
    }  # fmt: skip


@pytest.mark.parametrize(("result", "expected"), [("not_reached", [("care_contact", "open")]), ("reached_neutral", [])])
async def test_d4_an_attempt_ends_no_silence(branch: Any, result: str, expected: list[tuple[str, str]]) -> None:
    silent = await know(branch, None, 90)
    body = {"method": "phone", "purpose": "service", "occurred_at": branch.clock.now(), "content": "Called."}
    told = InteractionRecord(customer_id=silent, **body, result=result)
    async with branch.database.transaction() as uow:
        await record_interaction(branch.work(uow), RULES, told)
        await uow.commit()
    await look(branch)
    assert await tasks(branch, silent) == expected


async def test_d4_seen_again_by_two_workers_a_snapshot_and_on_later_days_it_is_one_touch(branch: Any) -> None:
    born = await know(branch)
    done = await asyncio.gather(step(branch), step(branch))
    assert sorted(done)[-1] > 0
    await look(branch)
    await tell(branch, born)
    for _ in range(4):
        branch.clock.advance(timedelta(days=1))
        await look(branch)
    assert await tasks(branch, born) == [("greeting", "open")]
    branch.clock.advance(timedelta(days=1))
    await branch.expire()
    await look(branch)
    assert await tasks(branch, born) == [("greeting", "expired")], "the day is over"


async def test_d4_a_customer_known_after_the_days_pass_is_touched_with_the_snapshot(branch: Any) -> None:
    await look(branch)
    born = await know(branch)
    await look(branch)
    assert await tasks(branch, born) == [], "the pass of the day is over"
    await tell(branch, born)
    assert await tasks(branch, born) == [("greeting", "open")]


@pytest.mark.parametrize("withdrawn_first", [True, False])
async def test_d4_what_scoring_recommended_before_is_not_doubled(branch: Any, withdrawn_first: bool) -> None:
    async with branch.database.transaction() as uow:
        await uow.driver.execute("UPDATE customer SET birth_date = $1", BORN)
        await uow.commit()
    action = await branch.recommend(kind="date", reason_code="birthday")
    if withdrawn_first:
        await branch.withdraw(action, "superseded")
    await look(branch)
    if not withdrawn_first:
        assert await tasks(branch) == [("greeting", "open")], "scoring's own still stands"
        await branch.withdraw(action, "superseded")
        branch.clock.advance(timedelta(days=1))
        await look(branch)
    assert await tasks(branch) == [("greeting", "withdrawn"), ("greeting", "open")]


async def test_d4_a_touch_answered_or_refused_by_the_budget_does_not_come_back_at_once(branch: Any) -> None:
    silent = await know(branch, None, 90)
    full = await know(branch, None, 90, max_contacts=0, contact_period_days=30)
    hushed = await know(
        branch, BORN, consents=[{"purpose": "care", "channel": one, "granted": False} for one in TOUCHES.channels]
    )
    await look(branch)
    assert await tasks(branch, full) == await tasks(branch, hushed) == []
    await branch.contact(branch.rm_a, customer_id=silent)
    assert await tasks(branch, silent) == [("care_contact", "answered")]
    branch.clock.advance(timedelta(days=1))
    await look(branch)
    assert await tasks(branch, silent) == [("care_contact", "answered")]
    [told] = [event for event in await branch.told("action.declined") if event["customer_id"] == str(full)]
    assert told["reason"] == "contact_budget"


async def test_d4_one_customer_who_fails_stops_nobody(branch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = await know(branch), await know(branch)
    take_up = service.actions.take_up

    async def with_one_that_fails(work: Work, rules: Rules, told: Recommendation) -> None:
        if told.customer_id == bad:
            raise ValueError("no")
        await take_up(work, rules, told)

    with monkeypatch.context() as patched:
        patched.setattr(service.actions, "take_up", with_one_that_fails)
        await look(branch)
    assert (await tasks(branch, bad), await tasks(branch, good)) == ([], [("greeting", "open")])
    branch.clock.advance(timedelta(days=1))
    await look(branch)
    assert await tasks(branch, bad) == [("greeting", "open")]


async def test_d4_a_pass_goes_chunk_by_chunk_and_reaches_everybody(branch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHUNK", 2)
    born = [await know(branch) for _ in range(4)]
    chunks = []
    while done := await step(branch):
        chunks.append(done)
    assert chunks == [2, 2, 1]
    assert [await tasks(branch, one) for one in born] == [[("greeting", "open")]] * 4
