"""D18: in every queue of engagement-svc one poisoned item fails alone, is listed, and is done once it is mended and retried."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.actions import service as actions
from engagement_svc.plans import service as plans
from engagement_svc.plans.repository import Plan, insert_plan
from engagement_svc.rules import Rules
from engagement_svc.standards import load_standards
from engagement_svc.tasks import service as tasks
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.set_aside.repository import list_items, retry
from guanxi_testing.poison import mend, poison

pytestmark = pytest.mark.anyio

RULES = Rules(load_standards(), BusinessCalendar(zone="Asia/Shanghai"))


async def do(branch: Any, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
    async with branch.database.transaction() as uow:
        found = await work(uow)
        await uow.commit()
    return found


async def fails_alone(
    branch: Any, job: Callable[[UnitOfWork], Awaitable[int]], queue: str, item: object, done: str, count: int
) -> None:
    """`item` is poisoned; `done` counts those that are done, `count` in all."""
    for seconds in (0, 31, 121):
        branch.clock.advance(timedelta(seconds=seconds))
        while await do(branch, job):
            pass
    [failed] = await do(branch, lambda uow: list_items(uow, set_aside_only=True, queue=None, position=None, limit=9))
    assert (failed.queue, failed.item, failed.attempts) == (queue, str(item), 3)
    assert await do(branch, lambda uow: uow.driver.fetchval(done)) == count - 1

    async def mended(uow: UnitOfWork) -> None:
        await mend(uow)
        await retry(uow, failed.id, branch.clock.now())

    await do(branch, mended)
    assert await do(branch, job) == 1
    assert await do(branch, lambda uow: uow.driver.fetchval(done)) == count
    assert await do(branch, lambda uow: uow.driver.fetch("SELECT * FROM set_aside_item")) == []


async def test_d18_a_task_whose_breach_cannot_be_stored_fails_alone(branch: Any) -> None:
    for _ in range(4):
        await branch.recommend()
    task = await do(branch, lambda uow: uow.driver.fetchval("SELECT min(id::text) FROM task"))
    await do(branch, lambda uow: poison(uow, "task", "breached_at IS NOT NULL AND NEW.id", task))
    branch.clock.advance(timedelta(days=10))

    async def breach(uow: UnitOfWork) -> int:
        return await tasks.breach_overdue_tasks(branch.work(uow))

    await fails_alone(branch, breach, "breach-task", task, "SELECT count(*) FROM task WHERE breached_at IS NOT NULL", 4)
    assert len(await branch.told("task.breached")) == 4


async def test_d18_an_offer_that_cannot_be_ended_fails_alone(branch: Any) -> None:
    await branch.agree(consents=[{"purpose": "marketing", "channel": "phone", "granted": True}])
    for _ in range(3):
        await branch.recommend(kind="related_sale", product_code="DEP")
    action = await do(branch, lambda uow: uow.driver.fetchval("SELECT min(action_id::text) FROM action"))
    task = await do(branch, lambda uow: uow.driver.fetchval("SELECT task_id FROM action WHERE action_id = $1", UUID(action)))
    await do(branch, lambda uow: poison(uow, "action", "state = 'concluded' AND NEW.action_id", action))
    branch.clock.advance(timedelta(days=30))

    async def expire(uow: UnitOfWork) -> int:
        return await actions.expire_actions(branch.work(uow), RULES)

    await fails_alone(branch, expire, "expire-offer", task, "SELECT count(*) FROM action WHERE state = 'concluded'", 3)


async def test_d18_a_plan_whose_review_cannot_be_opened_fails_alone(branch: Any) -> None:
    ids = [uuid4() for _ in range(3)]
    for plan_id in ids:
        plan = Plan(
            plan_id, branch.customer, "single", "o", [], date(2026, 1, 1), "signed", 6, date(2026, 7, 1),
            review_task_opened=False, author_id=branch.rm_a, version=1, created_at=branch.clock.now(),
        )  # fmt: skip
        await do(branch, lambda uow, plan=plan: insert_plan(uow, plan))
    await do(branch, lambda uow: poison(uow, "plan", "review_task_opened AND NEW.id", ids[0]))

    async def open_reviews(uow: UnitOfWork) -> int:
        return await plans.open_review_tasks(branch.work(uow), RULES)

    opened = "SELECT count(*) FROM plan WHERE review_task_opened"
    await fails_alone(branch, open_reviews, "open-plan-review", ids[0], opened, 3)
    assert len(await branch.told("task.opened")) == 3
