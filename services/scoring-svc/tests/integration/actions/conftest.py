"""A scoring database with one customer to plan for, and the worker's handlers on it."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.messaging.envelope import Envelope
from scoring_svc.actions import planner
from scoring_svc.actions.policy import ActionStandard
from scoring_svc.customers.policy import Consent, CustomerFacts
from scoring_svc.method import Method
from scoring_svc.products.consumers import PRODUCT_SNAPSHOT, replicate_products
from scoring_svc.queues import planning
from scoring_svc.shipped import load_method

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
TODAY = date(2026, 11, 25)

DEPOSIT = {
    "code": "DEP-12M",
    "version": 1,
    "family": "deposit",
    "name": {"zh": "一年期定期存款", "en": "One-year term deposit"},
    "risk_class": 1,
    "margin_bp": 100,
    "currency": "CNY",
    "price": {"zh": "年利率1.45%", "en": "1.45 % a year"},
    "valid_from": "2026-01-01",
    "eligibility": {"min_age": None, "max_age": None, "customer_types": []},
    "consent_purpose": "marketing",
    "links": [],
    "holds_from_account_codes": ["term"],
}


@dataclass
class Desk:
    """Tells the customer's facts and plans; nobody is held out unless the test says so."""

    database: Database
    method: Method
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    customer: UUID = field(default_factory=uuid4)
    keep_facts: Any = None

    async def know(self, version: int = 1, **more: Any) -> None:
        fields: dict[str, Any] = {
            "customer_type": "individual",
            "birth_date": None,
            "known_since": TODAY - timedelta(days=10),
            "consents": (Consent("marketing", "phone", granted=True),),
        }
        async with self.database.transaction() as uow:
            facts = CustomerFacts(customer_id=self.customer, **{**fields, **more})
            await self.keep_facts(uow, facts, version=version)
            await uow.commit()

    async def offer(self, *snapshots: dict[str, Any]) -> None:
        events = [
            Envelope(uuid4(), PRODUCT_SNAPSHOT, "directory.snapshots", f"product:{one['code']}", "/", NOW, one, one["version"])
            for one in snapshots
        ]
        async with self.database.transaction() as uow:
            await replicate_products(uow, events)
            await uow.commit()

    async def handle(self, handler: Any, type_: str, *told: dict[str, Any], topic: str = "engagement.activities") -> None:
        """Give the handler the events, as the runner would."""
        events = [Envelope(uuid4(), type_, topic, str(self.customer), "/", NOW, one) for one in told]
        async with self.database.transaction() as uow:
            await handler(uow, events)
            await uow.commit()

    async def plan(self, *, mark: bool = True) -> None:
        if mark:
            async with self.database.transaction() as uow:
                await planning.mark(uow, [self.customer], self.clock.now())
                await uow.commit()
        done = 1
        while done:
            async with self.database.transaction() as uow:
                done = await planner.plan_due_customers(uow, self.method, self.clock.now())
                await uow.commit()

    async def fetch(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.transaction(readonly=True) as uow:
            return [dict(row) for row in await uow.driver.fetch(statement, *arguments)]

    async def states(self) -> list[tuple[str, str, str | None]]:
        rows = await self.fetch("SELECT reason_code, state, closed_because FROM action ORDER BY reason_code, recommended_at")
        return [(row["reason_code"], row["state"], row["closed_because"]) for row in rows]

    async def published(self, topic: str = "scoring.actions") -> list[dict[str, Any]]:
        rows = await self.fetch("SELECT payload FROM outbox WHERE topic = $1 ORDER BY sequence", topic)
        return [json.loads(record[1]) for row in rows for record in msgspec.msgpack.decode(row["payload"])]

    async def considered(self) -> dict[str, Sequence[str]]:
        [row] = await self.fetch("SELECT considered FROM action_plan WHERE customer_id = $1", self.customer)
        return {one["reason_code"]: [refusal["rule"] for refusal in one["refusals"]] for one in row["considered"]}


@pytest.fixture
async def desk(postgres: Any, keep_facts: Any) -> AsyncIterator[Desk]:
    method = load_method(BusinessCalendar(zone="Asia/Shanghai"))
    everyone = method.replacing(replace(method[ActionStandard], hold_out_bp=0, exploration_bp=0))
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=4))
        yield Desk(database, everyone, keep_facts=keep_facts)
        await database.dispose()
