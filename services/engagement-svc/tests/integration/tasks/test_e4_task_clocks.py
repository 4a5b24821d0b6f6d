"""E3, E4: tasks on a real database: opened once, ended by evidence alone, breached once, and never without an owner."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.tasks.errors import NotTheCustomersTask
from guanxi_common.errors import NotFound
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.security.principal import RowScope, ScopeKind

pytestmark = pytest.mark.anyio

FRIDAY = datetime(2026, 11, 20, 7, tzinfo=UTC)  # 15:00 in Shanghai
TUESDAY = datetime(2026, 11, 24, 7, tzinfo=UTC)


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


async def test_e4_an_action_opens_one_task_due_two_business_days_later(branch: Any) -> None:
    told = await branch.recommend()
    await branch.recommend(action_id=told)
    [task] = await branch.worklist(own(branch.rm_a))
    assert (task.due_at, task.owner_id) == (TUESDAY, branch.rm_a)


async def test_e4_a_historical_action_opens_none(branch: Any) -> None:
    await branch.recommend(historical=True)
    assert await branch.worklist(own(branch.rm_a)) == []


async def test_e3_the_list_is_in_rank_order_and_pages_meet_without_gap(branch: Any) -> None:
    for priority_bp in (1_000, 9_000, 5_000, 1_000, 9_000):
        await branch.recommend(priority_bp=priority_bp)
        branch.clock.advance(timedelta(minutes=1))
    whole = await branch.worklist(own(branch.rm_a))
    assert [task.priority for task in whole] == [11, 11, 51, 91, 91]
    first = await branch.worklist(own(branch.rm_a), limit=2)
    rest = await branch.worklist(own(branch.rm_a), after=(first[-1].rank_key, first[-1].id))
    assert first + rest == whole


async def test_e3_another_rm_sees_nothing_and_cannot_record(branch: Any) -> None:
    await branch.recommend()
    assert await branch.worklist(own(branch.rm_b)) == []
    assert len(await branch.worklist(RowScope(ScopeKind.OUTLET, branch.lead, (branch.outlet,)))) == 1
    assert await branch.worklist(RowScope(ScopeKind.OUTLET, branch.lead, (uuid4(),))) == []
    with pytest.raises(NotFound):
        await branch.contact(branch.rm_b)


async def test_e1_only_a_contact_that_counts_and_is_not_older_ends_the_task(branch: Any) -> None:
    await branch.recommend()
    [task] = await branch.worklist(own(branch.rm_a))
    assert await branch.contact(branch.rm_a, result="not_reached") == []
    assert await branch.contact(branch.rm_a, occurred_at=FRIDAY - timedelta(minutes=1)) == []
    assert await branch.contact(branch.rm_a, result="not_reached", answers=[task.id]) == []
    with pytest.raises(NotTheCustomersTask):
        await branch.contact(branch.rm_a, answers=[uuid4()])
    assert await branch.contact(branch.rm_a) == [task.id]
    assert await branch.worklist(own(branch.rm_a)) == []


async def test_e1_two_contacts_at_once_end_a_task_once(branch: Any) -> None:
    await branch.recommend()
    [task] = await branch.worklist(own(branch.rm_a))
    ended = await asyncio.gather(branch.contact(branch.rm_a), branch.contact(branch.rm_a))
    assert sorted(ended, key=len) == [[], [task.id]]
    assert [event["type"] for event in await branch.told("task")] == ["task.opened", "task.completed"]
    assert len(await branch.told("interaction")) == 2


async def test_e4_a_breach_is_counted_once_by_two_workers_and_goes_to_the_lead(branch: Any) -> None:
    await branch.recommend()
    branch.clock.set(TUESDAY - timedelta(seconds=1))
    assert await branch.breach() == 0
    branch.clock.set(TUESDAY)
    assert sorted(await asyncio.gather(branch.breach(), branch.breach())) == [0, 1]
    assert await branch.breach() == 0
    [task] = await branch.worklist(own(branch.rm_a))
    assert (task.breached_at, task.escalated_to) == (TUESDAY, branch.lead)


async def test_e3_at_a_transfer_the_list_changes_hands_by_the_clock_alone(branch: Any) -> None:
    await branch.recommend()
    start, moment = FRIDAY - timedelta(days=30), FRIDAY + timedelta(hours=1)
    old = Assignment("primary_rm", branch.rm_a, branch.outlet, start, moment)
    new = Assignment("primary_rm", branch.rm_b, branch.outlet, moment)
    async with branch.database.transaction() as uow:
        await directory.apply_books(uow, [Book(branch.customer, (old, new), 2)])
        await uow.commit()
    branch.clock.set(moment - timedelta(microseconds=1))
    assert [len(await branch.worklist(own(rm))) for rm in (branch.rm_a, branch.rm_b)] == [1, 0]
    branch.clock.set(moment)
    assert [len(await branch.worklist(own(rm))) for rm in (branch.rm_a, branch.rm_b)] == [0, 1]
