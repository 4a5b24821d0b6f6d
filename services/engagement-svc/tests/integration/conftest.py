"""A branch on a real database: what the tests of tasks, actions and the contact budget share."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.actions import service as actions
from engagement_svc.actions.consumers import ACTION_RECOMMENDED, ACTION_WITHDRAWN, take_up_actions
from engagement_svc.complaints import service as complaints
from engagement_svc.complaints.repository import Complaint
from engagement_svc.complaints.schemas import Acknowledgement, ComplaintRecord, Resolution
from engagement_svc.contact_budget import service as contact_budget
from engagement_svc.customers.consumers import AGREEMENTS, FILES
from engagement_svc.interactions.schemas import InteractionRecord
from engagement_svc.interactions.service import record_interaction
from engagement_svc.kinds import KINDS
from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.rules import Rules
from engagement_svc.slices import SLICES
from engagement_svc.standards import load_standards
from engagement_svc.tasks import repository, service
from engagement_svc.tasks.repository import ListQuery, Task
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.facets import keep
from guanxi_common.messaging.envelope import Envelope, Version
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.messaging.runner import Handler
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book, Staff
from guanxi_common.security.principal import AuditContext, Purpose, RowScope, ScopeKind
from guanxi_common.standards import Register
from guanxi_common.work import Work
from guanxi_testing.work import work_of

FRIDAY = datetime(2026, 11, 20, 7, tzinfo=UTC)  # 15:00 in Shanghai
STANDARDS = load_standards()
CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
RULES = Rules(STANDARDS, CALENDAR)
AUDIT = AuditContext("staff:1", "readWorklist", Purpose.CUSTOMER_SERVICE, None)


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


class NoKeys:
    """A key store in which every key was destroyed."""

    async def get_many(self, _customer_ids: Any) -> dict[UUID, Any]:
        return {}


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

    @property
    def parts(self) -> EngagementWorkerParts:
        """What the worker's slices are built from."""
        none_erased = FileErasureList(Path(os.devnull))
        return EngagementWorkerParts(
            clock=self.clock,
            calendar=CALENDAR,
            keys=NoKeys(),
            register=Register(KINDS, CALENDAR),
            issuer="issuer",
            erasures=none_erased,
        )

    def handler(self, topic: str, event_type: str) -> Handler:
        """What the slices do with the events of a type, in turn."""
        return next(one.handlers[event_type] for one in SLICES.subscriptions(self.parts) if one.topic == topic)

    def work(self, uow: UnitOfWork, scope: RowScope | None = None) -> Work:
        """The work of rm_a, or on the rows of `scope`, now."""
        return work_of(uow, scope or own(self.rm_a), self.clock.now(), CALENDAR)

    async def recommend(
        self, *, kind: str = "retention", priority_bp: int = 5_000, action_id: UUID | None = None, **told: Any
    ) -> UUID:
        """Tell of a recommended action, as scoring-svc does; returns its id."""
        action = action_id or uuid4()
        data = {
            "action_id": str(action),
            "customer_id": str(self.customer),
            "kind": kind,
            "reason_code": "large_outflow",
            "reason": {"code": "large_outflow", "zh": "大额流出", "en": "A large sum left."},
            "channel": "phone",
            "content": {"zh": "了解原因", "en": "Ask why."},
            "priority_bp": priority_bp,
            "due_within_hours": 48,
            "expires_on": (self.clock.now().date() + timedelta(days=14)).isoformat(),
            "evidence": {"entry_ids": []},
            "historical": False,
            **told,
        }
        await self.tell(ACTION_RECOMMENDED, data)
        return action

    async def withdraw(self, action: UUID, reason: str = "reason_gone") -> None:
        await self.tell(ACTION_WITHDRAWN, {"action_id": str(action), "customer_id": str(self.customer), "reason": reason})

    async def tell(self, event_type: str, data: dict[str, Any]) -> None:
        event = Envelope(
            uuid4(),
            event_type,
            "scoring.actions",
            str(self.customer),
            "/scoring-svc",
            self.clock.now(),
            json.loads(json.dumps(data)),
        )
        async with self.database.transaction() as uow:
            await take_up_actions(self.parts)(uow, [event])
            await uow.commit()

    async def agree(self, **preferences: Any) -> None:
        """Tell of the customer's agreements anew, as customer-svc does."""
        await self.tell_facet("customer_agreements", "customer.agreements", {"customer_id": str(self.customer), **preferences})

    async def tell_facet(self, noun: str, topic: str, data: dict[str, Any] | None, version: int = 2) -> None:
        """Tell a facet of the customer, or its tombstone, as customer-svc does."""
        type_, key, now = f"guanxi.{noun}.snapshot.v1", str(self.customer), self.clock.now()
        event = Envelope(uuid4(), type_, topic, key, "/customer-svc", now, data, version)
        async with self.database.transaction() as uow:
            await self.handler(topic, type_)(uow, [event])
            await uow.commit()

    async def expire(self) -> int:
        async with self.database.transaction() as uow:
            number = await actions.expire_actions(self.work(uow), RULES)
            await uow.commit()
        return number

    async def decline(self, rm: UUID, task_id: UUID) -> None:
        async with self.database.transaction() as uow:
            await actions.decline(self.work(uow, own(rm)), RULES, task_id, "bad_moment")
            await uow.commit()

    async def budget(self) -> tuple[int, int, int]:
        """Used, reserved and overdrawn contacts that count today."""
        async with self.database.transaction(readonly=True) as uow:
            state = await contact_budget.read_state(self.work(uow), RULES, self.customer)
        return len(state.ledger.used), len(state.ledger.held), state.overdrawn

    async def told(self, noun: str) -> list[dict[str, Any]]:
        """The data of the events in the outbox whose type begins with the noun, in order."""
        async with self.database.transaction(readonly=True) as uow:
            rows = await uow.driver.fetch("SELECT topic, payload FROM outbox ORDER BY sequence")
        events = [record for row in rows for record in unpack(row["topic"], row["payload"])]
        return [
            json.loads(event.value) | {"type": kind}
            for event in events
            if (kind := dict(event.headers)["ce_type"].decode().removeprefix("guanxi.").removesuffix(".v1")).startswith(noun)
        ]

    async def worklist(
        self, scope: RowScope, after: tuple[int, UUID] | None = None, limit: int = 100, **narrowed: Any
    ) -> list[Task]:
        async with self.database.statement() as uow:
            query = ListQuery(limit=limit, after=after, **narrowed)
            found = await repository.list_open_tasks(uow, scope, self.clock.now(), AUDIT, query)
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
            recorded = await record_interaction(self.work(uow, own(rm)), RULES, record)
            await uow.commit()
        return recorded.completed_task_ids

    async def complain(self, severity: str = "serious") -> Complaint:
        told = {"category": "service", "severity": severity, "channel": "branch", "content": "等候五十分钟"}
        record = ComplaintRecord.model_validate({"customer_id": self.customer, **told})
        async with self.database.transaction() as uow:
            opened = await complaints.open_complaint(self.work(uow), RULES, record)
            await uow.commit()
        return opened

    async def acknowledge(self, complaint: Complaint) -> Complaint:
        told = Acknowledgement.model_validate({"through": "phone"})
        async with self.database.transaction() as uow:
            done = await complaints.acknowledge_complaint(self.work(uow), RULES, complaint.id, told)
            await uow.commit()
        return done

    async def resolve(self, complaint: Complaint) -> Complaint:
        told = Resolution.model_validate({"outcome": "upheld", "remedy": "致歉。"})
        scope = RowScope(ScopeKind.OUTLET, self.lead, (self.outlet,))
        async with self.database.transaction() as uow:
            done = await complaints.resolve_complaint(self.work(uow, scope), RULES, complaint.id, told)
            await uow.commit()
        return done

    async def breach(self) -> int:
        async with self.database.transaction() as uow:
            number = await service.breach_overdue_tasks(self.work(uow))
            await uow.commit()
        return number


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
            await keep(uow, FILES, [(customer, Version(1, 1), ("person", outlet, "zh", "王伟", None))])
            await keep(uow, AGREEMENTS, [(customer, Version(1, 1), (None, None, None, None, "[]", "[]"))])
            await directory.apply_books(uow, [Book(customer, (Assignment("primary_rm", rm_a, outlet, start),), 1)])
            await uow.commit()
        yield Branch(database, ManualClock(FRIDAY), customer, outlet, rm_a, rm_b, lead)
        await database.dispose()
