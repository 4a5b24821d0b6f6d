"""One customer in an RM's book, on a real database, and what customer-svc tells of it: what the tests of the agreements share."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from customer_svc.customers import repository as customers
from customer_svc.customers.repository import Customer
from customer_svc.customers.sealing import SealedContact
from customer_svc.kinds import KINDS
from customer_svc.parts import CustomerWorkerParts
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.keys.store import DataKey
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.security.principal import AuditContext, Identity, Principal, Purpose, RowScope, ScopeKind
from guanxi_common.standards import Register
from guanxi_common.work import Work

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)  # the 21st in Shanghai
FACETS = "'customer.files', 'customer.agreements', 'customer.classifications', 'customer.books'"
T = TypeVar("T")


class OneKey:
    """A key store with one key for everybody."""

    def __init__(self) -> None:
        self.key = DataKey(uuid4(), "aes-256-gcm", b"k" * 32)

    async def create(self, customer_id: UUID) -> DataKey:
        return self.key

    async def get(self, customer_id: UUID) -> DataKey:
        return self.key

    async def get_many(self, customer_ids: Any) -> dict[UUID, DataKey]:
        return dict.fromkeys(customer_ids, self.key)

    async def delete(self, customer_id: UUID) -> None:
        raise NotImplementedError


@dataclass
class Desk:
    """`customer` is in the book of `rm`; `version` 1 is the registration, which is not told here."""

    database: Database
    customer: UUID
    rm: UUID
    keys: OneKey = field(default_factory=OneKey)
    calendar: BusinessCalendar = field(default_factory=lambda: BusinessCalendar(zone="Asia/Shanghai"))
    now: datetime = NOW

    register = Register(KINDS, BusinessCalendar(zone="Asia/Shanghai"))
    standards = register.at(NOW)

    @property
    def worker(self) -> CustomerWorkerParts:
        """What the worker's slices are built from."""
        return CustomerWorkerParts(clock=ManualClock(self.now), calendar=self.calendar, keys=self.keys, register=self.register)

    @property
    def scope(self) -> RowScope:
        return RowScope(ScopeKind.OWN, self.rm)

    @property
    def actor(self) -> str:
        return f"staff:{self.rm}"

    async def write(self, change: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """A change in a transaction of its own."""
        async with self.database.transaction() as uow:
            result = await change(uow)
            await uow.commit()
        return result

    def work(self, uow: UnitOfWork, version: int | None = None) -> Work:
        """What the RM works with; `version` is that of `If-Match`, None is any."""
        rm = Principal(Identity("local", "rm", "staff"), self.rm, "relationship_manager", None, (), {})
        audit = AuditContext(self.actor, "test", Purpose.CUSTOMER_SERVICE, None)
        today = self.calendar.local_date(self.now)
        return Work(uow, self.scope, audit, self.now, today, rm, None if version is None else (version,))

    def system(self, uow: UnitOfWork) -> Work:
        """What a job works with."""
        return Work.of_system(uow, "job", self.now, self.calendar)

    async def add_customer(self, uow: UnitOfWork, customer_id: UUID, number: str, outlet: UUID | None = None) -> None:
        """Store a file at its first version, which tells nothing."""
        start, names = self.now - timedelta(days=30), ("individual", "王伟", None, None, "zh-CN")
        file = Customer(customer_id, "core", number, *names, outlet or uuid4(), "reported", 1, start, start)
        await customers.insert_customer(uow, file, SealedContact(customer_id))

    async def fetch(self, query: str) -> list[Any]:
        async with self.database.transaction(readonly=True) as uow:
            rows: list[Any] = await uow.driver.fetch(query)
        return rows

    async def told(self) -> list[tuple[str, int, dict[str, Any]]]:
        """(type, version, data) of the customer's changes and snapshot in the outbox, in order; facts have no version."""
        return await self._sent("topic <> ALL")

    async def facets(self, facet: str | None = None) -> list[tuple[str, int, dict[str, Any]]]:
        """The same of the facets, or of one (`book`)."""
        sent = await self._sent("topic = ANY")
        named = [(kind.removeprefix("customer_").removesuffix(".snapshot"), version, data) for kind, version, data in sent]
        return [one for one in named if facet in (None, one[0])]

    async def _sent(self, where: str) -> list[tuple[str, int, dict[str, Any]]]:
        rows = await self.fetch(f"SELECT topic, payload FROM outbox WHERE {where}(ARRAY[{FACETS}]) ORDER BY sequence")  # noqa: S608  # constants
        sent = []
        for row in rows:
            for record in unpack(row["topic"], row["payload"]):
                headers = dict(record.headers)
                if "ce_aggregateversion" not in headers:
                    continue
                version = int(headers["ce_aggregateversion"])
                kind = headers["ce_type"].decode().removeprefix("guanxi.").removesuffix(".v1")
                sent.append((kind, version, json.loads(record.value or b"{}")))
        return sent

    async def snapshot(self) -> dict[str, Any]:
        """The last one told."""
        return [data for kind, _, data in await self.told() if kind == "customer.snapshot"][-1]

    async def versions(self) -> list[int]:
        """Of the changes: each has one of its own, without a gap."""
        return [version for kind, version, _ in await self.told() if kind != "customer.snapshot"]


@pytest.fixture
def one_key() -> OneKey:
    return OneKey()


@pytest.fixture
async def desk(postgres: Any) -> AsyncIterator[Desk]:
    async with postgres.service_database("customer_svc") as url:
        database = Database(create_engine(url, pool_size=8))
        made = Desk(database, uuid4(), uuid4())
        outlet, start = uuid4(), NOW - timedelta(days=30)
        async with database.transaction() as uow:
            await made.add_customer(uow, made.customer, "1", outlet)
            await directory.apply_books(uow, [Book(made.customer, (Assignment("primary_rm", made.rm, outlet, start),), 1)])
            await uow.commit()
        yield made
        await database.dispose()
