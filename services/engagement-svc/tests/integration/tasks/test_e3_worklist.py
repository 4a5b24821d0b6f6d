"""E3: the worklist walks indexes in its own order, and still shows exactly what the book of this instant lets the caller see."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.customers.consumers import FILES
from engagement_svc.tasks import repository
from engagement_svc.tasks.repository import ListQuery, Task
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.facets import keep
from guanxi_common.ids import new_id
from guanxi_common.messaging.envelope import Version
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.security.principal import AuditContext, Purpose, RowScope, ScopeKind

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=300)
AUDIT = AuditContext("staff:1", "readWorklist", Purpose.CUSTOMER_SERVICE, "req-1")
ME, COLLEAGUE, ELSEWHERE = uuid4(), uuid4(), uuid4()
OUTLET, OTHER_OUTLET = uuid4(), uuid4()
OWN = RowScope(ScopeKind.OWN, ME)
ALL = RowScope(ScopeKind.ALL)
BOTH_OUTLETS = RowScope(ScopeKind.OUTLET, ME, (OTHER_OUTLET, OUTLET))


@dataclass
class Bank:
    """A database on which books and tasks are written directly; ranks are the numbers by which tests name tasks."""

    database: Database

    async def customer(self, *assignments: Assignment, ranks: Sequence[int], owner: UUID | None, outlet: UUID = OUTLET) -> UUID:
        """A customer with this book, whose open tasks have `ranks` and are stored as `owner`'s."""
        customer_id = uuid4()
        async with self.database.transaction() as uow:
            await keep(uow, FILES, [(customer_id, Version(1, 1), ("person", outlet, "zh", "王伟", None))])
            await directory.apply_books(uow, [Book(customer_id, assignments, 1)])
            for rank in ranks:
                assert await repository.insert_task(uow, _task(customer_id, rank, owner, outlet))
            await uow.commit()
        return customer_id

    async def ranks(self, scope: RowScope, *, limit: int = 100, at: datetime = NOW, **query: Any) -> list[int]:
        return [task.rank_key for task in (await self.page(scope, limit=limit, at=at, **query))[:limit]]

    async def page(self, scope: RowScope, *, limit: int, at: datetime = NOW, **query: Any) -> list[Task]:
        async with self.database.statement() as uow:
            found = await repository.list_open_tasks(uow, scope, at, AUDIT, ListQuery(limit, **query))
        return [listed.task for listed in found]

    async def audited(self) -> list[str]:
        async with self.database.transaction(readonly=True) as uow:
            return [row[0] for row in await uow.driver.fetch("SELECT subject_id FROM audit_entry ORDER BY id")]


def _task(customer_id: UUID, rank: int, owner: UUID | None, outlet: UUID) -> Task:
    return Task(
        id=new_id(),
        customer_id=customer_id,
        subject_type="customer",
        subject_id=None,
        task_type="signal_follow_up",
        origin=f"signal:{uuid4()}",
        origin_kind=None,
        origin_id=None,
        reason_code="large_outflow",
        reason_en="Much left.",
        reason_zh="大额流出。",
        evidence={"entry_ids": ["1"]},
        priority=10,
        rank_key=rank,
        owner_id=owner,
        outlet_id=outlet,
        opened_at=LONG_AGO,
        due_at=NOW,
        zone="Asia/Shanghai",
        calendar_version="x",
        due_provisional=False,
        standards_version=1,
    )


def kept_by(
    staff: UUID | None,
    *,
    since: datetime = LONG_AGO,
    until: datetime | None = None,
    capacity: Any = "primary_rm",
    outlet: UUID = OUTLET,
) -> Assignment:
    return Assignment(capacity, staff, outlet, since, until)


@pytest.fixture
async def bank(postgres: Any) -> AsyncIterator[Bank]:
    async with postgres.service_database("engagement_svc") as url:
        database = Database(create_engine(url, pool_size=3))
        yield Bank(database)
        await database.dispose()


async def test_e3_own_customers_come_in_rank_order_and_nobody_elses(bank: Bank) -> None:
    await bank.customer(kept_by(ME), ranks=[5, 1], owner=ME)
    await bank.customer(kept_by(COLLEAGUE), ranks=[2], owner=COLLEAGUE)
    await bank.customer(kept_by(ME), ranks=[3], owner=ME)
    assert await bank.ranks(OWN) == [1, 3, 5]


async def test_e3_an_assistant_sees_the_tasks_that_the_rm_owns(bank: Bank) -> None:
    await bank.customer(kept_by(COLLEAGUE), kept_by(ME, capacity="assistant"), ranks=[4, 2], owner=COLLEAGUE)
    await bank.customer(kept_by(ME), ranks=[3], owner=ME)
    assert await bank.ranks(OWN) == [2, 3, 4]


async def test_e3_a_transfer_acts_by_the_clock_before_the_stored_owner_follows(bank: Bank) -> None:
    handover = kept_by(COLLEAGUE, until=NOW), kept_by(ME, since=NOW)
    await bank.customer(*handover, ranks=[1], owner=COLLEAGUE)
    just_before = NOW - timedelta(milliseconds=1)
    colleague = RowScope(ScopeKind.OWN, COLLEAGUE)
    assert (await bank.ranks(OWN, at=just_before), await bank.ranks(colleague, at=just_before)) == ([], [1])
    assert (await bank.ranks(OWN), await bank.ranks(colleague)) == ([1], [])


async def test_e3_pages_meet_without_gap_across_both_ways_to_a_task(bank: Bank) -> None:
    await bank.customer(kept_by(ME), ranks=[1, 4, 6, 7], owner=ME)
    await bank.customer(kept_by(COLLEAGUE), kept_by(ME, capacity="assistant"), ranks=[2, 3, 5, 8], owner=COLLEAGUE)
    seen: list[int] = []
    after = None
    while True:
        page = await bank.page(OWN, limit=3, after=after)
        seen += [task.rank_key for task in page[:3]]
        if len(page) <= 3:
            break
        after = (page[2].rank_key, page[2].id)
    assert seen == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_e3_a_subtree_of_outlets_and_the_whole_bank_are_merged_in_rank_order(bank: Bank) -> None:
    await bank.customer(kept_by(ME), ranks=[1, 4], owner=ME)
    await bank.customer(kept_by(COLLEAGUE, outlet=OTHER_OUTLET), ranks=[2], owner=COLLEAGUE, outlet=OTHER_OUTLET)
    await bank.customer(kept_by(None, outlet=ELSEWHERE), ranks=[3], owner=None, outlet=ELSEWHERE)
    assert await bank.ranks(BOTH_OUTLETS) == [1, 2, 4]
    assert await bank.ranks(BOTH_OUTLETS, limit=2) == [1, 2]
    assert await bank.ranks(RowScope(ScopeKind.OUTLET, ME, ())) == []
    assert await bank.ranks(ALL) == [1, 2, 3, 4]


async def test_e3_filters_narrow_every_scope_and_widen_none(bank: Bank) -> None:
    await bank.customer(kept_by(ME), ranks=[1, 2], owner=ME)
    await bank.customer(kept_by(COLLEAGUE), ranks=[3], owner=COLLEAGUE)
    async with bank.database.transaction() as uow:
        await uow.driver.execute("UPDATE task SET breached_at = $1 WHERE rank_key = 2", NOW)
        await uow.commit()
    assert await bank.ranks(OWN, owner_id=COLLEAGUE) == []
    assert await bank.ranks(BOTH_OUTLETS, owner_id=COLLEAGUE) == [3]
    assert await bank.ranks(ALL, owner_id=ME) == [1, 2]
    assert (await bank.ranks(OWN, breached=True), await bank.ranks(ALL, breached=False)) == ([2], [1, 3])


async def test_e3_a_page_logs_each_customer_it_shows_once_and_not_the_one_after(bank: Bank) -> None:
    shown = await bank.customer(kept_by(ME), ranks=[1, 2], owner=ME)
    await bank.customer(kept_by(ME), ranks=[3], owner=ME)
    assert len(await bank.page(OWN, limit=2)) == 3
    assert await bank.audited() == [str(shown)]


async def test_e3_a_page_reads_no_more_of_a_long_list_than_it_shows(bank: Bank) -> None:
    """By the plan's own count: rows taken from the task table for a page of 20 of 2,000 tasks, early and late."""
    for start in range(0, 2_000, 200):
        await bank.customer(kept_by(ME), ranks=range(start, start + 200), owner=ME)
    async with bank.database.transaction() as uow:
        await uow.driver.execute("ANALYZE task, book_assignment")
        await uow.commit()
    for after in (None, (1_900, UUID(int=0))):
        select, arguments = repository.worklist_select(OWN, NOW, ListQuery(20, after))
        async with bank.database.transaction(readonly=True) as uow:
            assert len(await uow.driver.fetch(select, *arguments)) == 21
            plan = await uow.driver.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {select}", *arguments)
        assert _rows_read(plan[0]["Plan"], "task") == 21


def _rows_read(node: dict[str, Any], table: str) -> float:
    """Rows that the plan took from `table`, those that a filter threw away included."""
    found = sum(_rows_read(below, table) for below in node.get("Plans", ()))
    if node.get("Relation Name") != table:
        return found
    return found + float((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
