"""D1: a task is put off, handed to the assistant, and ends with its customer."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.personal_data import PERSONAL_DATA
from engagement_svc.rules import Rules
from engagement_svc.standards import load_standards
from engagement_svc.tasks import repository, service
from engagement_svc.tasks.consumers import erasing_with_tasks
from engagement_svc.tasks.errors import NotAnAssistant, NotDelegable, NotSnoozable, SnoozedTooLong, TaskEnded
from engagement_svc.tasks.following import follow_the_book_since
from engagement_svc.tasks.policy import Origin
from engagement_svc.tasks.repository import ListQuery, Task
from engagement_svc.tasks.service import TaskRequest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.erasure.records import Erasure
from guanxi_common.errors import NotFound, Text
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book, Staff
from guanxi_common.security.principal import RowScope, ScopeKind

pytestmark = pytest.mark.anyio

RULES = Rules(load_standards(), BusinessCalendar(zone="Asia/Shanghai"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


async def snooze(branch: Any, rm: UUID, task_id: UUID, for_: timedelta | None) -> Task:
    async with branch.database.transaction() as uow:
        until = None if for_ is None else branch.clock.now() + for_
        task = await service.snooze_task(branch.work(uow, own(rm)), RULES, task_id, until)
        await uow.commit()
    return task


async def delegate(branch: Any, rm: UUID, task_id: UUID, to: UUID | None) -> Task:
    async with branch.database.transaction() as uow:
        task = await service.delegate_task(branch.work(uow, own(rm)), RULES, task_id, to)
        await uow.commit()
    return task


async def run_jobs(branch: Any) -> None:
    async with branch.database.transaction() as uow:
        await service.show_snoozed_tasks(branch.work(uow))
        await follow_the_book_since(uow, branch.clock.now(), branch.clock.now() - HOUR)
        await uow.commit()


async def listed(branch: Any, *, snoozed: bool = False, rm: UUID | None = None) -> list[UUID]:
    return [task.id for task in await branch.worklist(own(rm or branch.rm_a), snoozed=snoozed)]


async def test_d1_what_is_put_off_leaves_the_list_until_then_and_comes_back_to_its_place(branch: Any) -> None:
    for kind in ("retention", "service"):
        await branch.recommend(kind=kind)
    first, second = await listed(branch)
    await snooze(branch, branch.rm_a, first, 20 * HOUR)
    assert (await listed(branch), await listed(branch, snoozed=True)) == ([second], [first])
    await snooze(branch, branch.rm_a, first, 10 * HOUR)
    branch.clock.advance(10 * HOUR - timedelta(seconds=1))
    await run_jobs(branch)
    assert await listed(branch) == [second]
    branch.clock.advance(timedelta(seconds=1))
    await run_jobs(branch)
    assert (await listed(branch), await listed(branch, snoozed=True)) == ([first, second], [])
    await snooze(branch, branch.rm_a, first, HOUR)
    await snooze(branch, branch.rm_a, first, None)
    assert await listed(branch) == [first, second]


async def test_d1_the_clock_of_what_is_put_off_runs_on_and_its_end_brings_it_back(branch: Any) -> None:
    await branch.recommend()
    [task_id] = await listed(branch)
    await snooze(branch, branch.rm_a, task_id, DAY)
    branch.clock.advance(5 * DAY)  # the job that shows it again does not run
    assert (await branch.breach(), await listed(branch), await listed(branch, snoozed=True)) == (1, [task_id], [])
    with pytest.raises(SnoozedTooLong):
        await snooze(branch, branch.rm_a, task_id, HOUR)


async def test_d1_a_contact_ends_what_is_put_off_too(branch: Any) -> None:
    await branch.recommend()
    [task_id] = await listed(branch)
    await snooze(branch, branch.rm_a, task_id, HOUR)
    assert await branch.contact(branch.rm_a) == [task_id]
    assert await listed(branch, snoozed=True) == []


async def test_d1_nobody_puts_off_a_complaints_duty_an_ended_task_or_another_customers(branch: Any) -> None:
    await branch.recommend()
    [ended] = await listed(branch)
    await branch.contact(branch.rm_a)
    for arrange in (snooze, delegate):
        with pytest.raises(TaskEnded, match=r"^Answered by interaction:"):
            await arrange(branch, branch.rm_a, ended, None)
    await branch.complain()
    for duty in await listed(branch):
        with pytest.raises(NotSnoozable):
            await snooze(branch, branch.rm_a, duty, HOUR)
        with pytest.raises(NotDelegable):
            await delegate(branch, branch.rm_a, duty, branch.rm_b)
        for arrange in (snooze, delegate):
            with pytest.raises(NotFound):
                await arrange(branch, branch.rm_b, duty, None)


async def test_d1_putting_off_and_the_contact_that_ends_it_at_once_leave_nothing_hidden_that_is_open(branch: Any) -> None:
    await branch.recommend()
    [task_id] = await listed(branch)
    outcomes = await asyncio.gather(
        snooze(branch, branch.rm_a, task_id, HOUR), branch.contact(branch.rm_a), return_exceptions=True
    )
    assert outcomes[1] == [task_id]
    assert isinstance(outcomes[0], Task | TaskEnded)
    assert await listed(branch) == await listed(branch, snoozed=True) == []


async def test_d1_a_task_is_handed_to_an_assistant_of_the_customer_and_to_nobody_else(branch: Any) -> None:
    assistant, suspended, elsewhere = uuid4(), uuid4(), uuid4()
    start = branch.clock.now() - DAY
    own_book = Assignment("primary_rm", branch.rm_a, branch.outlet, start)
    helpers = [Assignment("assistant", who, branch.outlet, start - n * HOUR) for n, who in enumerate((assistant, suspended))]
    async with branch.database.transaction() as uow:
        staff = [
            Staff(who, "issuer", str(who), "n", "rm_assistant", branch.outlet, None, True, 1, suspended=who == suspended)
            for who in (assistant, suspended, elsewhere)
        ]
        await directory.apply_staff(uow, staff)
        await directory.apply_books(uow, [Book(branch.customer, (own_book, *helpers), 2)])
        await uow.commit()
    await branch.recommend()
    [task_id] = await listed(branch)
    for who in (suspended, elsewhere, branch.rm_a, branch.lead, uuid4()):
        with pytest.raises(NotAnAssistant):
            await delegate(branch, branch.rm_a, task_id, who)
    assert (await delegate(branch, branch.rm_a, task_id, assistant)).assignee_id == assistant
    for rm in (branch.rm_a, assistant):
        [task] = await branch.worklist(own(rm))
        assert (task.owner_id, task.assignee_id) == (branch.rm_a, assistant)
    await run_jobs(branch)
    assert [task.assignee_id for task in await branch.worklist(own(branch.rm_a))] == [assistant]
    # Who assists no more works it no more.
    async with branch.database.transaction() as uow:
        await directory.apply_books(uow, [Book(branch.customer, (own_book,), 3)])
        await uow.commit()
    await run_jobs(branch)
    assert [task.assignee_id for task in await branch.worklist(own(branch.rm_a))] == [None]


async def test_d1_an_erased_customers_open_tasks_end_and_that_is_told(branch: Any) -> None:
    await branch.recommend(kind="service")
    await branch.contact(branch.rm_a, purpose="service")
    await branch.recommend(kind="retention")
    [task_id] = await listed(branch)
    erasing = erasing_with_tasks(PERSONAL_DATA)
    for _ in range(2):
        async with branch.database.transaction() as uow:
            await erasing(uow, [Erasure(branch.customer, branch.clock.now())])
            await uow.commit()
    [told] = await branch.told("task.cancelled")
    assert (told["task_id"], told["ended_because"], told["ended_by"]) == (str(task_id), "erased", "system")
    assert await listed(branch) == []


async def test_d1_a_page_reads_nothing_of_what_is_put_off(branch: Any) -> None:
    """By the plan's own count of rows, with 1,000 tasks put off and three that are not."""
    async with branch.database.transaction() as uow:
        for number in range(3):
            reason = TaskRequest(
                branch.customer, "service_contact", Origin("signal", uuid4()), "large_outflow", Text("a", "b"), {"n": number}
            )
            await service.open_task(branch.work(uow), RULES, reason)
        await uow.driver.execute(
            "INSERT INTO task SELECT put_off.* FROM (SELECT * FROM task LIMIT 1) one, generate_series(1, 1000) n,"
            " LATERAL jsonb_populate_record(NULL::task, to_jsonb(one) || jsonb_build_object("
            " 'id', gen_random_uuid(), 'origin', n, 'visible_from', one.due_at, 'rank_key', one.rank_key | $1)) AS put_off",
            1 << 56,
        )
        await uow.driver.execute("ANALYZE task, book_assignment")
        await uow.commit()
    select, arguments = repository.worklist_select(own(branch.rm_a), branch.clock.now(), ListQuery(50))
    async with branch.database.transaction(readonly=True) as uow:
        assert len(await uow.driver.fetch(select, *arguments)) == 3
        plan = await uow.driver.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {select}", *arguments)
    assert rows_read(plan[0]["Plan"], "task") <= 6  # the way over the book looks at the three again


def rows_read(node: dict[str, Any], table: str) -> float:
    """Rows that the plan took from `table`, those that a filter threw away included."""
    found = sum(rows_read(below, table) for below in node.get("Plans", ()))
    if node.get("Relation Name") != table:
        return found
    return found + float((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
