"""7.9: break-glass on a real database: who opens what to whom, until when, how often at once, and who reviews it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from customer_svc.access_grants import repository, service
from customer_svc.access_grants.errors import AlreadyReviewed, AlreadyVisible, OwnAccess, TooManyOpen
from customer_svc.access_grants.policy import MOST_OPEN, Verdict
from customer_svc.access_grants.repository import AccessGrant
from customer_svc.customers.repository import customer_is_visible
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.security.principal import AuditContext, Identity, PersonRequired, Principal, Purpose, RowScope, ScopeKind
from guanxi_common.work import Work
from prometheus_client import REGISTRY

pytestmark = pytest.mark.anyio

REASON = "客户在柜台等候。"
GRANTS = {"customer.read": ScopeKind.OWN, "customer.break_glass": ScopeKind.ALL, "access_grant.review": ScopeKind.ALL}


class Counter:
    """Where people break the glass and review it."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk

    def work(self, uow: UnitOfWork, person: UUID, permission: str, *, kind: Any = "staff") -> Work:
        caller = Principal(Identity("issuer", str(person), kind), person, "relationship_manager", None, (), GRANTS)
        audit = AuditContext(caller.actor, permission, Purpose.CUSTOMER_SERVICE, None)
        today = self.desk.calendar.local_date(self.desk.now)
        return Work(uow, caller.scope(permission), audit, self.desk.now, today, caller)

    async def open(self, person: UUID, customer: UUID | None = None, *, hours: int = 1, kind: Any = "staff") -> AccessGrant:
        async def change(uow: UnitOfWork) -> AccessGrant:
            work = self.work(uow, person, "customer.break_glass", kind=kind)
            return await service.break_glass(work, self.desk.keys, customer or self.desk.customer, REASON, hours)

        granted: AccessGrant = await self.desk.write(change)
        return granted

    async def review(self, person: UUID, grant: UUID, verdict: Verdict = Verdict.JUSTIFIED) -> AccessGrant:
        async def change(uow: UnitOfWork) -> AccessGrant:
            return await service.review_grant(self.work(uow, person, "access_grant.review"), self.desk.keys, grant, verdict)

        reviewed: AccessGrant = await self.desk.write(change)
        return reviewed

    async def sees(self, person: UUID, after: timedelta) -> bool:
        async with self.desk.database.transaction(readonly=True) as uow:
            opened = await repository.read_opened(uow, person, self.desk.now)
            own = RowScope(ScopeKind.OWN, person, opened=opened)
            return await customer_is_visible(uow, own, self.desk.customer, self.desk.now + after)

    async def watch(self) -> float | None:
        async def measure(uow: UnitOfWork) -> int:
            return await service.watch_reviews(Work.of_system(uow, "watch", self.desk.now, self.desk.calendar))

        await self.desk.write(measure)
        return REGISTRY.get_sample_value("guanxi_break_glass_unreviewed_seconds")


@pytest.fixture
async def counter(desk: Any) -> Counter:
    return Counter(desk)


async def test_7_9_it_opens_one_customer_to_one_person_until_its_end_by_the_clock_alone(counter: Counter) -> None:
    asker, other = uuid4(), uuid4()
    assert not await counter.sees(asker, timedelta(0))
    grant = await counter.open(asker, hours=2)
    assert await counter.sees(asker, timedelta(hours=2, microseconds=-1))
    assert not await counter.sees(asker, timedelta(hours=2))
    assert not await counter.sees(other, timedelta(0))
    assert REASON.encode() not in grant.reason_sealed
    assert await service.reason_of(grant, counter.desk.keys) == REASON


async def test_7_9_it_is_told_and_counted(counter: Counter) -> None:
    asker, before = uuid4(), REGISTRY.get_sample_value("guanxi_break_glass_total") or 0
    grant = await counter.open(asker)
    [granted] = [data for kind, _, data in await counter.desk.told() if kind == "customer.access_granted"]
    assert granted == {
        "customer_id": str(counter.desk.customer),
        "grant_id": str(grant.id),
        "staff_id": str(asker),
        "ends_at": "2026-11-20T18:00:00Z",
    }
    assert REGISTRY.get_sample_value("guanxi_break_glass_total") == before + 1
    counter.desk.now += timedelta(hours=1)
    assert await counter.watch() == 3600
    await counter.review(uuid4(), grant.id)
    assert await counter.watch() == 0
    [reviewed] = [data for kind, _, data in await counter.desk.told() if kind == "customer.access_reviewed"]
    assert reviewed["verdict"] == "justified"
    assert await counter.desk.versions() == [2, 3]


async def test_7_9_whoever_sees_the_customer_needs_none(counter: Counter) -> None:
    with pytest.raises(AlreadyVisible):
        await counter.open(counter.desk.rm)
    asker = uuid4()
    await counter.open(asker)
    with pytest.raises(AlreadyVisible):
        await counter.open(asker)


async def test_7_9_a_customer_who_is_not_there_is_not_opened_nor_anybody_to_a_program(counter: Counter) -> None:
    with pytest.raises(NotFound):
        await counter.open(uuid4(), uuid4())
    with pytest.raises(PersonRequired):
        await counter.open(uuid4(), kind="client")


async def test_7_9_of_many_at_once_no_more_are_opened_than_may_be(counter: Counter) -> None:
    asker, others = uuid4(), [uuid4() for _ in range(MOST_OPEN + 6)]

    async def fill(uow: UnitOfWork) -> None:
        for number, customer in enumerate(others):
            await counter.desk.add_customer(uow, customer, f"other-{number}")

    await counter.desk.write(fill)
    outcomes = await asyncio.gather(*(counter.open(asker, customer) for customer in others), return_exceptions=True)
    assert sum(isinstance(outcome, AccessGrant) for outcome in outcomes) == MOST_OPEN
    assert sum(isinstance(outcome, TooManyOpen) for outcome in outcomes) == 6
    counter.desk.now += timedelta(hours=1)
    assert await counter.open(asker)


async def test_7_9_it_is_reviewed_once_by_somebody_else(counter: Counter) -> None:
    asker, lead = uuid4(), uuid4()
    grant = await counter.open(asker)
    with pytest.raises(OwnAccess):
        await counter.review(asker, grant.id)
    reviewed = await counter.review(lead, grant.id, Verdict.UNJUSTIFIED)
    assert replace(reviewed, reviewed_at=None, reviewed_by=None, verdict=None) == grant
    assert (reviewed.reviewed_by, reviewed.verdict) == (lead, "unjustified")
    with pytest.raises(AlreadyReviewed):
        await counter.review(uuid4(), grant.id)
    with pytest.raises(NotFound):
        await counter.review(lead, uuid4())
