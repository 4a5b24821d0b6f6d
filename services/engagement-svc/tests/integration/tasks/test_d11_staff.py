"""D11: whatever becomes of a member of staff, in whatever order it is heard of, every open task is on somebody's list."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.rules import Rules
from engagement_svc.standards import load_standards
from engagement_svc.tasks import repository, service
from engagement_svc.tasks.consumers import STAFF_SNAPSHOT, tasks_follow_staff
from engagement_svc.tasks.following import follow_the_book_of, follow_the_book_since
from engagement_svc.tasks.policy import Origin
from engagement_svc.tasks.repository import ListQuery
from engagement_svc.tasks.service import TaskRequest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.errors import Text
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.consumers import directory_handlers
from guanxi_common.security.directory.values import Assignment, Book, Outlet, Role, Staff
from guanxi_common.security.principal import SYSTEM_SCOPE, AuditContext, Identity, Purpose, ScopeKind
from guanxi_testing.work import work_of

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=300)
AUDIT = AuditContext("staff:1", "readWorklist", Purpose.CUSTOMER_SERVICE, None)
CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
RULES = Rules(load_standards(), CALENDAR)
REGION, NORTH, SOUTH = (UUID(int=n) for n in range(1, 4))
XIA, DENG, YANG, LEAD, CHIEF = (UUID(int=n) for n in range(11, 16))
CUSTOMERS, TASKS = 500, 30


@dataclass
class Region:
    """The RM Xia (deputy: Deng) keeps 500 customers of the north outlet, 30 of whom have a task; Yang is at the south outlet."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    customers: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(CUSTOMERS)])
    staff: dict[UUID, Staff] = field(default_factory=dict)

    async def open_world(self) -> None:
        people = (
            (XIA, "relationship_manager", NORTH, DENG),
            (DENG, "relationship_manager", NORTH, None),
            (YANG, "relationship_manager", SOUTH, None),
            (LEAD, "outlet_manager", NORTH, None),
            (CHIEF, "outlet_manager", REGION, None),
        )
        grants = {"relationship_manager": ScopeKind.OWN, "outlet_manager": ScopeKind.OUTLET}
        self.staff = {
            one: Staff(one, "iss", str(one), "n", role, outlet, None, True, 1, deputy_id=deputy)
            for one, role, outlet, deputy in people
        }
        async with self.database.transaction() as uow:
            outlets = ((REGION, None), (NORTH, REGION), (SOUTH, REGION))
            await directory.apply_outlets(uow, [Outlet(one, above, str(one), "n", "k", 1) for one, above in outlets])
            await directory.apply_roles(uow, [Role(role, {"worklist.read": kind}, 1) for role, kind in grants.items()])
            await directory.apply_staff(uow, list(self.staff.values()))
            books = [Book(one, (Assignment("primary_rm", XIA, NORTH, LONG_AGO),), 1) for one in self.customers]
            await directory.apply_books(uow, books)
            for customer in self.customers[:TASKS]:
                reason = TaskRequest(customer, "signal_follow_up", Origin("signal", uuid4()), "large_outflow", Text("a", "b"), {})
                await service.open_task(work_of(uow, SYSTEM_SCOPE, NOW, CALENDAR), RULES, reason)
            await uow.commit()

    async def tell(self, staff_id: UUID, *, redelivered: int = 1, **facts: Any) -> None:
        """A staff snapshot arrives."""
        one = self.staff[staff_id] = replace(self.staff[staff_id], version=self.staff[staff_id].version + 1, **facts)
        names = ("subject", "name", "role", "outlet_id", "reports_to", "active", "suspended", "deputy_id")
        data = {"staff_id": str(staff_id), **{name: getattr(one, name) for name in names}}
        event = Envelope(
            uuid4(), STAFF_SNAPSHOT, "directory.snapshots", f"staff:{staff_id}", "/c", self.clock.now(), data, one.version
        )
        for _ in range(redelivered):
            async with self.database.transaction() as uow:
                await tasks_follow_staff(directory_handlers("iss")[STAFF_SNAPSHOT], self.clock)(uow, [event])
                await uow.commit()

    async def rewrite(self, *intervals: Assignment, version: int, of: slice = slice(None)) -> None:
        """The books of customers arrive."""
        async with self.database.transaction() as uow:
            await directory.apply_books(uow, [Book(one, intervals, version) for one in self.customers[of]])
            await follow_the_book_of(uow, self.clock.now(), self.customers[of])
            await uow.commit()

    async def run_job(self) -> None:
        async with self.database.transaction() as uow:
            await follow_the_book_since(uow, self.clock.now(), self.clock.now() - timedelta(minutes=10))
            await uow.commit()

    async def lists(self) -> dict[UUID, int]:
        """How many tasks everybody who is here has on their list. Each of the 30 is on one at least, and on a lead's."""
        seen: dict[UUID, set[UUID]] = {}
        async with self.database.statement() as uow:
            for one in self.staff.values():
                if one.active and not one.suspended:
                    caller = await directory.resolve_principal(uow, Identity("iss", one.subject, "staff"))
                    scope, now = caller.scope("worklist.read"), self.clock.now()
                    page = await repository.list_open_tasks(uow, scope, now, AUDIT, ListQuery(100))
                    seen[one.id] = {listed.task.id for listed in page}
                    assert len(seen[one.id]) == len(page)
        assert len(set().union(*seen.values())) == TASKS, "a task is visible to nobody"
        assert len(seen.get(LEAD, set()) | seen[CHIEF]) == TASKS, "a task is on no lead's list"
        return {staff_id: len(tasks) for staff_id, tasks in seen.items() if tasks}

    async def owners(self) -> dict[UUID | None, int]:
        async with self.database.statement() as uow:
            rows = await uow.driver.fetch("SELECT owner_id, count(*) FROM task WHERE state = 'open' GROUP BY 1")
        return {row[0]: row[1] for row in rows}


@pytest.fixture
async def region(postgres: Any) -> AsyncIterator[Region]:
    async with postgres.service_database("engagement_svc") as url:
        made = Region(Database(create_engine(url, pool_size=3)))
        await made.open_world()
        yield made
        await made.database.dispose()


async def test_d11_the_deputy_takes_over_the_duties_of_a_suspended_rm_and_gives_them_back(region):
    assert await region.lists() == {XIA: 30, LEAD: 30, CHIEF: 30}
    await region.tell(XIA, suspended=True, redelivered=2)
    assert await region.lists() == {DENG: 30, LEAD: 30, CHIEF: 30}
    assert await region.owners() == {DENG: 30}
    await region.run_job()
    assert await region.owners() == {DENG: 30}
    await region.tell(DENG, suspended=True)
    assert (await region.lists(), await region.owners()) == ({LEAD: 30, CHIEF: 30}, {None: 30})
    await region.tell(LEAD, active=False)
    assert await region.lists() == {CHIEF: 30}
    await region.tell(XIA, suspended=False)
    assert (await region.lists(), await region.owners()) == ({XIA: 30, CHIEF: 30}, {XIA: 30})


async def test_d11_until_a_snapshot_has_come_tasks_stand_on_the_leads_list_and_new_ones_go_to_the_deputy(region):
    """A snapshot that the service hears of late: the replica of the directory is ahead of the tasks."""
    async with region.database.transaction() as uow:
        await directory.apply_staff(uow, [replace(region.staff[XIA], suspended=True, version=2)])
        region.staff[XIA] = replace(region.staff[XIA], suspended=True, version=2)
        customer = region.customers[TASKS - 1]
        reason = TaskRequest(customer, "signal_follow_up", Origin("signal", uuid4()), "large_outflow", Text("a", "b"), {})
        opened = await service.open_task(work_of(uow, SYSTEM_SCOPE, NOW, CALENDAR), RULES, reason)
        assert opened.owner_id == DENG
        await uow.driver.execute("DELETE FROM task WHERE id = $1", opened.id)
        await uow.commit()
    assert await region.owners() == {XIA: 30}
    assert await region.lists() == {DENG: 30, LEAD: 30, CHIEF: 30}
    await region.run_job()
    assert await region.owners() == {DENG: 30}


@pytest.mark.parametrize("book_first", [True, False])
async def test_d11_a_dismissal_with_a_pending_transfer_in_any_order_of_arrival(region, book_first):
    """Half of the book is to go to the south, whose RM is suspended before the instant; then Xia is dismissed and Deng takes the rest."""
    half, rest = slice(0, TASKS // 2), slice(TASKS // 2, None)
    at = NOW + timedelta(minutes=5)
    moves = (Assignment("primary_rm", XIA, NORTH, LONG_AGO, at), Assignment("primary_rm", YANG, SOUTH, at))
    await region.rewrite(*moves, version=2, of=half)
    await region.tell(YANG, suspended=True)
    assert await region.lists() == {XIA: 30, LEAD: 30, CHIEF: 30}
    region.clock.set(at)
    assert await region.lists() == {XIA: 15, LEAD: 15, CHIEF: 30}
    await region.run_job()
    assert await region.lists() == {XIA: 15, LEAD: 15, CHIEF: 30}
    assert await region.owners() == {XIA: 15, None: 15}
    handed = (Assignment("primary_rm", XIA, NORTH, LONG_AGO, at), Assignment("primary_rm", DENG, NORTH, at))
    if book_first:
        await region.rewrite(*handed, version=3, of=rest)
        assert await region.lists() == {DENG: 15, LEAD: 15, CHIEF: 30}
        await region.tell(XIA, active=False)
    else:
        await region.tell(XIA, active=False)
        assert await region.lists() == {DENG: 15, LEAD: 15, CHIEF: 30}
        await region.rewrite(*handed, version=3, of=rest)
    assert await region.lists() == {DENG: 15, LEAD: 15, CHIEF: 30}
    assert await region.owners() == {DENG: 15, None: 15}


async def test_d11_a_transaction_that_is_lost_moves_nothing(region):
    """The worker is killed between the directory and the tasks: both are as before, and the next delivery does both."""
    data = {"staff_id": str(XIA), "subject": str(XIA), "name": "n", "role": "relationship_manager", "outlet_id": str(NORTH),
            "active": False, "deputy_id": str(DENG)}  # fmt: skip
    event = Envelope(uuid4(), STAFF_SNAPSHOT, "directory.snapshots", f"staff:{XIA}", "/c", NOW, data, 2)
    async with region.database.transaction() as uow:
        await tasks_follow_staff(directory_handlers("iss")[STAFF_SNAPSHOT], region.clock)(uow, [event])
    assert await region.lists() == {XIA: 30, LEAD: 30, CHIEF: 30}
    assert await region.owners() == {XIA: 30}
    await region.tell(XIA, active=False)
    assert await region.lists() == {DENG: 30, LEAD: 30, CHIEF: 30}


async def test_d11_an_outlet_without_a_lead_escalates_to_the_one_above(region):
    await region.tell(LEAD, active=False)
    async with region.database.transaction() as uow:
        assert await service.breach_overdue_tasks(work_of(uow, SYSTEM_SCOPE, NOW + timedelta(days=30), CALENDAR)) == TASKS
        leads = await uow.driver.fetch("SELECT DISTINCT escalated_to FROM task")
    assert [row[0] for row in leads] == [CHIEF]
