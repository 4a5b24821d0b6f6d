"""An owner and two replicas of it in one process: real databases, the embedded bus, the services' own handlers and jobs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from customer_svc.customers import changes
from customer_svc.customers import repository as customers
from customer_svc.customers.events import CustomerChanged
from customer_svc.customers.repository import Customer
from customer_svc.customers.sealing import SealedContact
from customer_svc.directory import service as directory
from customer_svc.directory.policy import Change
from customer_svc.directory.schemas import OutletRegistration
from customer_svc.facets.policy import AT_REGISTRATION, Facet
from customer_svc.kinds import KINDS as CUSTOMER_KINDS
from customer_svc.parts import CustomerWorkerParts
from customer_svc.slices import SLICES
from customer_svc.transactions.events import TransactionPosted, TransactionReversed
from engagement_svc import worker as engagement
from engagement_svc.kinds import KINDS as ENGAGEMENT_KINDS
from engagement_svc.parts import EngagementWorkerParts
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.keys.store import DataKey
from guanxi_common.messaging import outbox
from guanxi_common.messaging.bus import BusError
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner, Subscription
from guanxi_common.messaging.signing import EventSigner, EventVerifier
from guanxi_common.money import Money
from guanxi_common.parts import first_of
from guanxi_common.recovery import epochs, rebuilds
from guanxi_common.recovery.rebuilds import Rebuilder, Replica
from guanxi_common.recovery.republication import publish_next
from guanxi_common.security.directory import repository as book
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.standards import Register
from guanxi_common.work import Work
from guanxi_contracts.topics import topic_specs
from guanxi_testing.databases import TestServer
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import QUICK
from scoring_svc import worker as scoring
from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.shipped import load_methods

T = TypeVar("T")
ISSUER = "https://issuer.bank.example"
CALENDAR = BusinessCalendar(zone="Asia/Shanghai")


class OneKey:
    """A key store with one key for everybody."""

    def __init__(self) -> None:
        self.key = DataKey(uuid4(), "aes-256-gcm", b"k" * 32)

    async def get_many(self, customer_ids: Any) -> dict[UUID, DataKey]:
        return dict.fromkeys(customer_ids, self.key)


async def write(database: Database, change: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    async with database.transaction() as uow:
        result = await change(uow)
        await uow.commit()
    return result


@dataclass
class Follower:
    """A service with replicas; its consumer and rebuilder run while it is entered."""

    group: str
    database: Database
    bus: EmbeddedBus
    verifier: EventVerifier
    subscriptions: Sequence[Subscription]
    replicas: Sequence[Replica]

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        async with self.database.transaction(readonly=True) as uow:
            rows: list[Any] = await uow.driver.fetch(query, *arguments)
        return rows

    async def execute(self, statement: str, *arguments: Any) -> None:
        await write(self.database, lambda uow: uow.driver.execute(statement, *arguments))

    async def rebuild(self, *topics: str) -> None:
        await write(self.database, lambda uow: rebuilds.request(uow, topics, "host:operator"))

    async def give_up(self, *topics: str) -> None:
        await write(self.database, lambda uow: rebuilds.cancel(uow, topics, "host:operator"))

    async def progress(self) -> dict[str, rebuilds.Progress]:
        async with self.database.transaction(readonly=True) as uow:
            return {one.topic: one for one in reversed(await rebuilds.list_progress(uow))}

    async def rebuilt(self) -> bool:
        return all(one.finished_at for one in (await self.progress()).values())

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[None]:
        chosen = type(QUICK)(**{**{name: getattr(QUICK, name) for name in QUICK.__slots__}, **settings})
        runner = ConsumerRunner(self.database, self.bus, self.group, self.subscriptions, settings=chosen, verifier=self.verifier)
        rebuilder = Rebuilder(self.database, runner.bounds, self.group, self.replicas)
        stop = asyncio.Event()
        tasks = [asyncio.create_task(runner.run(stop)), asyncio.create_task(_rebuild(rebuilder, stop))]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def _rebuild(rebuilder: Rebuilder, stop: asyncio.Event) -> None:
    while not stop.is_set():
        went_on = False
        with suppress(BusError):  # the consumer is on its way
            went_on = await rebuilder.step()
        if not went_on:
            await first_of(stop, timeout=0.05)


@dataclass
class Owner:
    """customer-svc's database, at `url`."""

    url: str
    database: Database
    bus: EmbeddedBus
    signer: EventSigner
    keys: OneKey = field(default_factory=OneKey)
    outlet: UUID = field(default_factory=uuid4)
    rm: UUID = field(default_factory=uuid4)

    async def found(self) -> None:
        async def change(uow: UnitOfWork) -> None:
            await directory.publish_roles(uow)
            registration = OutletRegistration(code="021", name="外滩支行", kind="traditional")
            self.outlet = (
                await directory.register_outlet(Work.of_system(uow, "stand", datetime.now(UTC), CALENDAR), registration)
            ).id
            staff = directory.new_staff(ISSUER, "rm-a", "李雷", "relationship_manager", self.outlet)
            await directory.store_staff(uow, staff, Change(None, "direct", datetime.now(UTC)))
            self.rm = staff.id

        await write(self.database, change)

    async def register(self, number: str) -> UUID:
        """A new customer in the RM's book, told at version 1."""
        customer_id, since = uuid4(), datetime.now(UTC) - timedelta(days=30)
        names = ("individual", "王伟", None, None, "zh-CN")
        file = Customer(customer_id, "core", number, *names, self.outlet, "reported", 1, since, since)

        async def change(uow: UnitOfWork) -> None:
            await customers.insert_customer(uow, file, SealedContact(customer_id))
            await book.apply_books(uow, [Book(customer_id, (Assignment("primary_rm", self.rm, self.outlet, since),), 1)])
            await changes.tell(
                uow, self.keys.key, file, AT_REGISTRATION, CustomerChanged(customer_id=customer_id, changed_fields=["name"])
            )

        await write(self.database, change)
        return customer_id

    async def rename(self, customer_id: UUID, name: str, times: int = 1) -> int:
        """Edit the file so many times; returns its version then."""

        async def change(uow: UnitOfWork) -> int:
            work = Work.of_system(uow, "rename", datetime.now(UTC), CALENDAR)
            file = await changes.lock_customer(work, customer_id)
            await uow.driver.execute("UPDATE customer SET name = $2 WHERE id = $1", customer_id, name)
            file = await changes.lock_customer(work, customer_id)
            told = [CustomerChanged(customer_id=customer_id, changed_fields=["name"])]
            return (await changes.tell_changes(work, self.keys.key, file, Facet.FILE, told)).version

        versions = [await write(self.database, change) for _ in range(times)]
        return versions[-1]

    async def post(self, customer_id: UUID, amount_minor: int) -> UUID:
        """Tell a posting; returns its id."""
        posted = TransactionPosted(
            transaction_id=uuid4(),
            customer_id=customer_id,
            account_id=customer_id,
            source="core",
            external_id=uuid4().hex,
            booked_on=date(2026, 11, 20),
            occurred_at=None,
            money=Money(amount=amount_minor, currency="CNY"),
            code="transfer",
        )
        await write(self.database, lambda uow: outbox.append_batch(uow, [(posted.transaction_id, posted)]))
        return posted.transaction_id

    async def reverse(self, customer_id: UUID, transaction_id: UUID) -> None:
        undone = TransactionReversed(
            transaction_id=transaction_id,
            reversal_id=uuid4(),
            customer_id=customer_id,
            account_id=customer_id,
            booked_on=date(2026, 11, 21),
        )
        await write(self.database, lambda uow: outbox.append_batch(uow, [(undone.reversal_id, undone)]))

    async def publish(self) -> None:
        """Have the relay send all that waits."""
        stop = asyncio.Event()
        relay = asyncio.create_task(Relay(self.database, self.bus, signer=self.signer).run(stop))
        try:
            await eventually(self._is_published)
        finally:
            stop.set()
            await relay

    async def _is_published(self) -> bool:
        async with self.database.transaction(readonly=True) as uow:
            return not await uow.driver.fetchval("SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NULL)")

    async def _is_published_anew(self) -> bool:
        async with self.database.transaction(readonly=True) as uow:
            return not await uow.driver.fetchval("SELECT EXISTS (SELECT FROM republication WHERE finished_at IS NULL)")

    async def restored(self, name: str) -> int:
        """`guanxi restored`, and the worker's job until it is done; returns the epoch."""
        now = datetime.now(UTC)
        raised = await write(self.database, lambda uow: epochs.raise_epoch(uow, name, "host:operator", now))
        parts = CustomerWorkerParts(
            clock=SystemClock(), calendar=CALENDAR, keys=self.keys, register=Register(CUSTOMER_KINDS, CALENDAR)
        )
        sources = SLICES.snapshots(parts)
        async with asyncio.timeout(60):
            while not await self._is_published_anew():  # transactions of other tests on this server may hold the start back
                if not await write(self.database, lambda uow: publish_next(uow, sources)):
                    await asyncio.sleep(0.05)
        await self.publish()
        return raised.epoch


@dataclass
class Stand:
    """`backup` copies the owner's database as it is; `restore` puts the copy in its place."""

    server: TestServer
    owner: Owner
    engagement: Follower
    scoring: Follower
    _copies: list[Any] = field(default_factory=list)

    async def backup(self) -> str:
        await self.owner.database.dispose()  # a template has no guests
        copy = self.server.database(urlsplit(self.owner.url).path.removeprefix("/"))
        self._copies.append(copy)
        url: str = await copy.__aenter__()
        await self.restore(self.owner.url)
        return url

    async def restore(self, url: str) -> None:
        await self.owner.database.dispose()
        self.owner.url, self.owner.database = url, Database(create_engine(url, pool_size=4))

    async def close(self) -> None:
        for part in (self.owner, self.engagement, self.scoring):
            await part.database.dispose()
        for copy in self._copies:
            await copy.__aexit__(None, None, None)


@pytest.fixture
async def stand(postgres: Any) -> AsyncIterator[Stand]:
    databases = [postgres.service_database(name) for name in ("customer_svc", "engagement_svc", "scoring_svc")]
    async with databases[0] as customer, databases[1] as engaged, databases[2] as scored, postgres.database() as log:
        bus = await EmbeddedBus.open(log)
        await bus.ensure_topics(topic_specs(test=True))
        signer = EventSigner("customer-svc/test", b"s" * 32)
        owner = Owner(customer, Database(create_engine(customer, pool_size=4)), bus, signer)
        made = Stand(postgres, owner, *_followers(engaged, scored, bus, owner))
        yield made
        await made.close()
        await bus.close()


def _followers(engaged: str, scored: str, bus: EmbeddedBus, owner: Owner) -> tuple[Follower, Follower]:
    keys, clock = owner.keys, SystemClock()
    verifier = EventVerifier({owner.signer.key_id: owner.signer.public_key})
    worker = EngagementWorkerParts(
        clock=clock,
        calendar=CALENDAR,
        keys=keys,
        register=Register(ENGAGEMENT_KINDS, CALENDAR),
        issuer=ISSUER,
        erasures=FileErasureList(Path("no-list")),
    )
    scored_by = ScoringWorkerParts(
        clock=clock,
        calendar=CALENDAR,
        methods=load_methods(CALENDAR),
        keys=keys,
        issuer=ISSUER,
        erasures=worker.erasures,
        database=owner.database,  # for the progress of book runs alone
    )
    subscribed = (
        engagement.subscriptions(worker),
        scoring.subscriptions(scored_by),
    )
    replicas = (engagement.replicas(clock), scoring.replicas(clock))
    first, second = (
        Follower(name, Database(create_engine(url, pool_size=6)), bus, verifier, subscriptions, kept)
        for name, url, subscriptions, kept in zip(
            ("engagement-svc", "scoring-svc"), (engaged, scored), subscribed, replicas, strict=True
        )
    )
    return first, second
