"""E3, E4: tasks on a real database: opened once, ended by evidence alone, breached once, and never without an owner."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.customers.repository import CustomerReplica, apply_customers
from engagement_svc.interactions.schemas import InteractionRecord
from engagement_svc.interactions.service import record_interaction
from engagement_svc.standards import load_standards
from engagement_svc.tasks import repository, service
from engagement_svc.tasks.consumers import SIGNAL_RAISED, open_tasks_for_signals
from engagement_svc.tasks.errors import NotTheCustomersTask
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.errors import NotFound
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book, Staff
from guanxi_common.security.principal import AuditContext, Purpose, RowScope, ScopeKind

pytestmark = pytest.mark.anyio

FRIDAY = datetime(2026, 11, 20, 7, tzinfo=UTC)  # 15:00 in Shanghai
TUESDAY = datetime(2026, 11, 24, 7, tzinfo=UTC)
STANDARDS = load_standards()
CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
AUDIT = AuditContext("staff:1", "readWorklist", Purpose.CUSTOMER_SERVICE, None)


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


@dataclass
class Branch:
    """One outlet with two RMs and a lead; `customer` is in the book of `rm_a`."""

    database: Database
    clock: ManualClock
    customer: UUID
    outlet: UUID
    rm_a: UUID
    rm_b: UUID
    lead: UUID

    async def signal(self, *, historical: bool = False, severity: str = "info", signal_id: UUID | None = None) -> UUID:
        told = signal_id or uuid4()
        data = {
            "signal_id": str(told),
            "customer_id": str(self.customer),
            "kind": "large_outflow",
            "severity": severity,
            "historical": historical,
            "reason": {"code": "large_outflow", "zh": "大额流出", "en": "A large sum left."},
            "evidence": {"entry_ids": []},
        }
        event = Envelope(told, SIGNAL_RAISED, "scoring.signals", str(self.customer), "/scoring-svc", self.clock.now(), data)
        async with self.database.transaction() as uow:
            await open_tasks_for_signals(STANDARDS, CALENDAR, self.clock)(uow, [event])
            await uow.commit()
        return told

    async def worklist(self, scope: RowScope, after: tuple[int, UUID] | None = None, limit: int = 100) -> list[repository.Task]:
        async with self.database.statement() as uow:
            found = await repository.list_open_tasks(
                uow, scope, self.clock.now(), AUDIT, owner_id=None, breached=None, after=after, limit=limit
            )
        return [listed.task for listed in found[:limit]]

    async def contact(self, rm: UUID, **told: Any) -> list[UUID]:
        body = {
            "customer_id": self.customer,
            "method": "phone",
            "purpose": "care",
            "occurred_at": self.clock.now(),
            "content": "Talked.",
            "result": "reached_positive",
        }
        async with self.database.transaction() as uow:
            record = InteractionRecord(**{**body, **told})
            recorded = await record_interaction(uow, own(rm), STANDARDS, CALENDAR, record, rm, self.clock.now())
            await uow.commit()
        return recorded.completed_task_ids

    async def breach(self) -> int:
        async with self.database.transaction() as uow:
            number = await service.breach_overdue_tasks(uow, self.clock.now())
            await uow.commit()
        return number

    async def events(self) -> int:
        async with self.database.transaction(readonly=True) as uow:
            return int(await uow.driver.fetchval("SELECT coalesce(sum(event_count), 0) FROM outbox"))


@pytest.fixture
async def branch(postgres: Any) -> AsyncIterator[Branch]:
    async with postgres.service_database("engagement_svc") as url:
        database = Database(create_engine(url, pool_size=5))
        customer, outlet, rm_a, rm_b, lead = (uuid4() for _ in range(5))
        start = FRIDAY - timedelta(days=30)
        async with database.transaction() as uow:
            roles = ((rm_a, "relationship_manager"), (rm_b, "relationship_manager"), (lead, "outlet_manager"))
            await directory.apply_staff(
                uow, [Staff(who, "issuer", str(who), "n", role, outlet, None, True, 1) for who, role in roles]
            )
            await apply_customers(uow, [CustomerReplica(customer, "person", outlet, "zh", "王伟", None, 1)])
            await directory.apply_books(uow, [Book(customer, (Assignment("primary_rm", rm_a, outlet, start),), 1)])
            await uow.commit()
        yield Branch(database, ManualClock(FRIDAY), customer, outlet, rm_a, rm_b, lead)
        await database.dispose()


async def test_e4_a_signal_opens_one_task_due_two_business_days_later(branch: Branch) -> None:
    told = await branch.signal()
    await branch.signal(signal_id=told)
    [task] = await branch.worklist(own(branch.rm_a))
    assert (task.due_at, task.owner_id) == (TUESDAY, branch.rm_a)


async def test_e4_a_historical_signal_opens_none(branch: Branch) -> None:
    await branch.signal(historical=True)
    assert await branch.worklist(own(branch.rm_a)) == []


async def test_e3_the_list_is_in_rank_order_and_pages_meet_without_gap(branch: Branch) -> None:
    for severity in ("info", "critical", "warning", "info", "critical"):
        await branch.signal(severity=severity)
        branch.clock.advance(timedelta(minutes=1))
    whole = await branch.worklist(own(branch.rm_a))
    assert [task.priority for task in whole] == [10, 10, 20, 30, 30]
    first = await branch.worklist(own(branch.rm_a), limit=2)
    rest = await branch.worklist(own(branch.rm_a), after=(first[-1].rank_key, first[-1].id))
    assert first + rest == whole


async def test_e3_another_rm_sees_nothing_and_cannot_record(branch: Branch) -> None:
    await branch.signal()
    assert await branch.worklist(own(branch.rm_b)) == []
    assert len(await branch.worklist(RowScope(ScopeKind.OUTLET, branch.lead, (branch.outlet,)))) == 1
    assert await branch.worklist(RowScope(ScopeKind.OUTLET, branch.lead, (uuid4(),))) == []
    with pytest.raises(NotFound):
        await branch.contact(branch.rm_b)


async def test_e1_only_a_contact_that_counts_and_is_not_older_ends_the_task(branch: Branch) -> None:
    await branch.signal()
    [task] = await branch.worklist(own(branch.rm_a))
    assert await branch.contact(branch.rm_a, result="not_reached") == []
    assert await branch.contact(branch.rm_a, occurred_at=FRIDAY - timedelta(minutes=1)) == []
    assert await branch.contact(branch.rm_a, result="not_reached", task_ids=[task.id]) == []
    with pytest.raises(NotTheCustomersTask):
        await branch.contact(branch.rm_a, task_ids=[uuid4()])
    assert await branch.contact(branch.rm_a) == [task.id]
    assert await branch.worklist(own(branch.rm_a)) == []


async def test_e1_two_contacts_at_once_end_a_task_once(branch: Branch) -> None:
    await branch.signal()
    [task] = await branch.worklist(own(branch.rm_a))
    ended = await asyncio.gather(branch.contact(branch.rm_a), branch.contact(branch.rm_a))
    assert sorted(ended, key=len) == [[], [task.id]]
    assert await branch.events() == 4  # opened, completed, two contacts


async def test_e4_a_breach_is_counted_once_by_two_workers_and_goes_to_the_lead(branch: Branch) -> None:
    await branch.signal()
    branch.clock.set(TUESDAY - timedelta(seconds=1))
    assert await branch.breach() == 0
    branch.clock.set(TUESDAY)
    assert sorted(await asyncio.gather(branch.breach(), branch.breach())) == [0, 1]
    assert await branch.breach() == 0
    [task] = await branch.worklist(own(branch.rm_a))
    assert (task.breached_at, task.escalated_to) == (TUESDAY, branch.lead)


async def test_e3_at_a_transfer_the_list_changes_hands_by_the_clock_alone(branch: Branch) -> None:
    await branch.signal()
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
