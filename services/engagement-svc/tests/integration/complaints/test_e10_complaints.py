"""E10: a complaint is opened and resolved once, is told both times, and leaves no word of it in an event."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.complaints import repository, service
from engagement_svc.complaints.errors import ComplaintResolved
from engagement_svc.complaints.repository import Complaint
from engagement_svc.complaints.schemas import ComplaintRecord, Resolution
from engagement_svc.customers.consumers import FILES
from engagement_svc.rules import Rules
from engagement_svc.standards import load_standards
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.errors import NotFound, StaleVersion
from guanxi_common.facets import keep
from guanxi_common.messaging.envelope import Version
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_testing.work import work_of

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)  # the 21st in Shanghai
CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
RULES = Rules(load_standards(), CALENDAR)
WORDS = "等候五十分钟"


@dataclass
class Desk:
    database: Database
    customer: UUID
    rm: UUID

    async def open(self, scope: RowScope | None = None) -> Complaint:
        told = {"category": "service", "severity": "serious", "channel": "branch", "content": WORDS}
        record = ComplaintRecord.model_validate({"customer_id": self.customer, **told})
        async with self.database.transaction() as uow:
            opened = await service.open_complaint(work_of(uow, scope or own(self.rm), NOW, CALENDAR), RULES, record)
            await uow.commit()
        return opened

    async def resolve(self, complaint: Complaint, version: int | None = None) -> Complaint:
        told = Resolution.model_validate({"outcome": "upheld", "remedy": WORDS})
        async with self.database.transaction() as uow:
            allowed = None if version is None else (version,)
            work = work_of(uow, own(self.rm), NOW, CALENDAR, allowed=allowed)
            done = await service.resolve_complaint(work, RULES, complaint.id, told)
            await uow.commit()
        return done

    async def told(self) -> list[tuple[str, bytes]]:
        async with self.database.transaction(readonly=True) as uow:
            rows = await uow.driver.fetch("SELECT topic, payload FROM outbox ORDER BY sequence")
        sent = [record for row in rows for record in unpack(row["topic"], row["payload"])]
        return [(dict(record.headers)["ce_type"].decode(), record.value or b"") for record in sent]


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


@pytest.fixture
async def desk(postgres: Any) -> AsyncIterator[Desk]:
    async with postgres.service_database("engagement_svc") as url:
        database = Database(create_engine(url, pool_size=6))
        customer, outlet, rm = uuid4(), uuid4(), uuid4()
        async with database.transaction() as uow:
            await keep(uow, FILES, [(customer, Version(1, 1), ("individual", outlet, "zh", "王伟", None))])
            start = NOW - timedelta(days=30)
            await directory.apply_books(uow, [Book(customer, (Assignment("primary_rm", rm, outlet, start),), 1)])
            await uow.commit()
        yield Desk(database, customer, rm)
        await database.dispose()


async def test_e10_a_complaint_is_told_when_opened_and_when_resolved_without_its_words(desk: Desk) -> None:
    resolved = await desk.resolve(await desk.open())
    assert (str(resolved.opened_on), str(resolved.resolved_on), resolved.version) == ("2026-11-21", "2026-11-21", 2)
    told = await desk.told()
    types = [type_ for type_, _ in told if "complaint" in type_]
    assert types == ["guanxi.complaint.opened.v1", "guanxi.complaint.resolved.v1"]
    assert all(WORDS.encode() not in value for _, value in told)


async def test_e10_of_two_who_resolve_one_does(desk: Desk) -> None:
    complaint = await desk.open()
    outcomes = await asyncio.gather(*(desk.resolve(complaint) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, Complaint) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ComplaintResolved) for outcome in outcomes) == 4
    assert [type_ for type_, _ in await desk.told()].count("guanxi.complaint.resolved.v1") == 1


async def test_e10_a_stale_version_resolves_nothing(desk: Desk) -> None:
    complaint = await desk.open()
    with pytest.raises(StaleVersion):
        await desk.resolve(complaint, version=7)
    async with desk.database.transaction(readonly=True) as uow:
        kept = await repository.read_complaint(uow, own(desk.rm), complaint.id, NOW)
    assert kept == complaint


async def test_e10_another_rms_customer_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.open(own(uuid4()))
    assert await desk.told() == []
