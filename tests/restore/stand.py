"""The three services' work on given databases in one process: intake, relays, consumers and sealer, without HTTP.

A stand is opened on the databases of one moment, used, and closed; the next is opened on what was restored.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from customer_svc import main as customer_main
from customer_svc import worker as customer_worker
from customer_svc.accounts.schemas import AccountItem, HolderReference
from customer_svc.accounts.service import report_accounts
from customer_svc.customers.repository import read_customer
from customer_svc.customers.schemas import CustomerRegistration
from customer_svc.customers.sealing import Contact, open_contact
from customer_svc.customers.service import FileRules, register_customer
from customer_svc.digests.service import taking
from customer_svc.directory import service as directory
from customer_svc.directory.schemas import OutletRegistration
from customer_svc.erasures.service import ErasureRules, completing, erase_customer
from customer_svc.kinds import KINDS as CUSTOMER_KINDS
from customer_svc.parts import CustomerParts, CustomerWorkerParts
from customer_svc.personal_data import PERSONAL_DATA as CUSTOMER_DATA
from customer_svc.settings import CustomerSettings
from customer_svc.transactions.schemas import MoneyIn, TransactionItem
from customer_svc.transactions.service import post_transactions
from engagement_svc import worker as engagement_worker
from engagement_svc.digested import DIGESTED as ENGAGEMENT_DIGESTS
from engagement_svc.personal_data import PERSONAL_DATA as ENGAGEMENT_DATA
from engagement_svc.settings import EngagementSettings
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.digests.comparing import Told, compare_waiting
from guanxi_common.digests.policy import Digested
from guanxi_common.digests.taking import publish, take
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.erasure.registry import COMMON_PERSONAL_DATA
from guanxi_common.erasure.replay import erasing
from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner
from guanxi_common.process import watch_erasures
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.audit.sealer import AuditSealer
from guanxi_common.security.build import build_key_store, build_signer, build_token_verifier, build_verifier
from guanxi_common.security.principal import SYSTEM_SCOPE, AuditContext, Purpose
from guanxi_common.standards import Register
from guanxi_common.work import Work
from guanxi_contracts.topics import topic_specs
from guanxi_testing.databases import TestServer
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import QUICK, running
from scoring_svc import worker as scoring_worker
from scoring_svc.digests.service import DIGESTED as SCORING_DIGESTS
from scoring_svc.digests.service import tell
from scoring_svc.personal_data import PERSONAL_DATA as SCORING_DATA
from scoring_svc.settings import ScoringSettings

SERVICES: Final = ("customer", "engagement", "scoring")
DATABASES: Final = (*SERVICES, "keys", "bus")
DAY: Final = date(2026, 11, 2)
SEED: Final = bytes(range(32))
DESK: Final = AuditContext("staff:desk", "registerCustomer", Purpose.CUSTOMER_SERVICE, "drill")

Total = tuple[int, int]
"""Count and sum of a customer's postings."""


@dataclass
class Stand:
    """`totals`: what was posted here, by customer, as an independent count keeps it."""

    urls: Mapping[str, str]
    databases: Mapping[str, Database]
    keys: DatabaseKeyStore
    parts: CustomerParts
    masters: Mapping[str, bytes]
    reader: ConsumerRunner | None = None
    outlet: UUID = field(default=UUID(int=0))
    totals: dict[UUID, Total] = field(default_factory=dict)

    def work(self, uow: UnitOfWork) -> Work:
        """What customer-svc's use cases work with."""
        return Work.of_system(uow, "stand", datetime.now(UTC), self.parts.calendar)

    async def register(self, number: str, name: str = "王小明", document: str | None = None) -> UUID:
        """A customer with an account of the same number."""
        body = CustomerRegistration.model_validate(
            {
                "reference": {"source": "core", "customer_number": number},
                "customer_type": "individual",
                "name": name,
                "identity_document": {"kind": "passport", "number": document or f"E{number.zfill(8)}"},
                "phones": ["+8613912345678"],
                "outlet_id": self.outlet,
                "data_origin": "generated",
            }
        )
        opened = AccountItem(
            "core", number, "opened", HolderReference("core", number), "current", "CNY", opened_on=date(2020, 1, 1)
        )
        async with self.databases["customer"].transaction() as uow:
            work = self.work(uow)
            customer, _ = await register_customer(work, FileRules(self.keys, self.parts.indexes), body)
            await audit.record(uow, DESK, customer.id, ("name",))
            await report_accounts(work, [opened])
            await uow.commit()
        self.totals[customer.id] = (0, 0)
        return customer.id

    async def post(self, number: str, customer: UUID, references: Sequence[int], amount: int = 100) -> list[str]:
        """Post one amount per reference; what was new is counted. Returns what became of each."""
        items = [TransactionItem("core", number, f"T-{one}", DAY, MoneyIn(amount, "CNY"), "CARD") for one in references]
        async with self.databases["customer"].transaction() as uow:
            answer = await post_transactions(self.work(uow), items)
            await uow.commit()
        new = sum(item.status == "created" for item in answer.items)
        count, total = self.totals.get(customer, (0, 0))
        self.totals[customer] = (count + new, total + new * amount)
        return [item.status for item in answer.items]

    async def open_file(self, customer: UUID) -> Contact | None:
        """The customer's sealed contact points and document, opened; None where the file is not there."""
        async with self.databases["customer"].transaction(readonly=True) as uow:
            found = await read_customer(uow, SYSTEM_SCOPE, customer, datetime.now(UTC))
        return open_contact(found[1], await self.keys.get(customer)) if found else None

    async def close_account(self, number: str) -> None:
        closed = AccountItem("core", number, "closed", closed_on=date(2026, 11, 20))
        async with self.databases["customer"].transaction() as uow:
            answer = await report_accounts(self.work(uow), [closed])
            await uow.commit()
        assert [item.status for item in answer.items] == ["created"]

    async def erase(self, customer: UUID) -> None:
        async with self.databases["customer"].transaction() as uow:
            await erase_customer(self.work(uow), ErasureRules(self.parts.erasures, self.keys), customer)
            await uow.commit()
        del self.totals[customer]

    async def rows_of(self, customer: UUID) -> dict[str, int]:
        """How many rows each table that an erasure empties holds of the customer, where there are any."""
        found = {}
        for service, tables in (("customer", CUSTOMER_DATA), ("engagement", ENGAGEMENT_DATA), ("scoring", SCORING_DATA)):
            for table in (*tables, *COMMON_PERSONAL_DATA):
                if table.on_erasure == "delete":
                    named = str(customer) if table.as_text else customer
                    query = f"SELECT count(*) FROM {table.table} WHERE {table.column} = $1"  # noqa: S608  # names of ours
                    if count := (await self.fetch(service, query, named))[0][0]:
                        found[f"{service}.{table.table}"] = count
        return found

    async def compare_digests(self) -> dict[str, list[int]]:
        """One round: taken, told, and compared by both consumers; returns the buckets that differ, by service and type."""
        assert self.reader is not None
        what = taking(self.parts.calendar, self.parts.clock, few_partitions=True)
        taken = await take(self.databases["customer"], what)
        assert taken is not None
        await publish(self.databases["customer"], self.reader.bounds, what, taken)
        found = {}
        for service, types, told in (("engagement", ENGAGEMENT_DIGESTS, None), ("scoring", SCORING_DIGESTS, tell)):
            known = {digested.type: digested for digested in types}
            await eventually(partial(self._compared, service, known, told, taken.taken_at), timeout=60)
            for row in await self.fetch(service, "SELECT type, differing FROM digest"):
                found[f"{service}.{row['type']}"] = row["differing"]
        return found

    async def _compared(self, service: str, types: dict[str, Digested], told: Told | None, taken_at: datetime) -> bool:
        async with self.databases[service].transaction() as uow:
            await compare_waiting(uow, f"{service}-svc", types, datetime.now(UTC), told)
            await uow.commit()
        rows = await self.fetch(service, "SELECT type FROM digest WHERE taken_at = $1", taken_at)
        return {row["type"] for row in rows} == types.keys()

    async def seal_audit(self) -> None:
        for name in SERVICES:
            await AuditSealer(self.databases[name], f"{name}-svc", SEED, SystemClock()).seal_all()

    async def fetch(self, service: str, query: str, *arguments: Any) -> list[Any]:
        async with self.databases[service].transaction(readonly=True) as uow:
            rows: list[Any] = await uow.driver.fetch(query, *arguments)
        return rows

    async def ledger(self) -> dict[UUID, Total]:
        """What scoring's ledger adds up to, by customer."""
        rows = await self.fetch(
            "scoring", "SELECT customer_id, count(*), sum(amount_minor)::bigint FROM ledger_entry GROUP BY customer_id"
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    async def replicas(self, service: str) -> set[UUID]:
        """The customers whom another service knows."""
        table = {"engagement": "customer", "scoring": "customer_facts"}[service]
        return {row[0] for row in await self.fetch(service, f"SELECT customer_id FROM {table}")}  # noqa: S608  # our own names

    async def caught_up(self, totals: Mapping[UUID, Total], customers: set[UUID]) -> None:
        """Wait until ledger and replicas show exactly this."""
        posted = {customer: total for customer, total in totals.items() if total != (0, 0)}

        async def done() -> bool:
            known = [await self.replicas(service) for service in ("engagement", "scoring")]
            seen = (await self.ledger(), *known)
            assert seen == (posted, customers, customers), seen
            return True

        await eventually(done, timeout=20)


@asynccontextmanager
async def fresh_databases(postgres: TestServer) -> AsyncIterator[dict[str, str]]:
    """Migrated databases of the services, and empty ones for keys and log."""
    async with AsyncExitStack() as stack:
        urls = {name: await stack.enter_async_context(postgres.service_database(f"{name}_svc")) for name in SERVICES}
        yield urls | {name: await stack.enter_async_context(postgres.database()) for name in ("keys", "bus")}


@asynccontextmanager
async def empty_databases(postgres: TestServer, names: Sequence[str] = DATABASES) -> AsyncIterator[dict[str, str]]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(postgres.database()) for name in names}


@asynccontextmanager
async def open_stand(urls: Mapping[str, str], home: Path) -> AsyncIterator[Stand]:
    """Relays and consumers of all three services run until the block ends."""
    clock, calendar = SystemClock(), BusinessCalendar(zone="Asia/Shanghai")
    settings = CustomerSettings(
        database_url=urls["customer"], keys_database_url=urls["keys"], bus_database_url=urls["bus"], data_dir=home
    )
    async with AsyncExitStack() as stack:
        keys = build_key_store(settings, clock)
        stack.push_async_callback(keys.close)
        await keys.create_schema()
        databases = {}
        for name in SERVICES:
            databases[name] = Database(create_engine(urls[name], pool_size=4))
            stack.push_async_callback(databases[name].dispose)
        parts = CustomerParts(
            database=databases["customer"],
            clock=clock,
            tokens=build_token_verifier(settings, clock),
            keys=keys,
            erasures=FileErasureList(settings.erasure_file),
            indexes=customer_main.build_indexes(settings),
            calendar=calendar,
            issuer=settings.issuer,
            register=Register(CUSTOMER_KINDS, calendar),
        )
        bus = await EmbeddedBus.open(urls["bus"])
        stack.push_async_callback(bus.close)
        await bus.ensure_topics(topic_specs(test=True))
        stand = Stand(urls, databases, keys, parts, settings.master_key_ring)
        await _play_erasures(stand, settings)
        stand.outlet = await _outlet(stand)
        workers = _workers(stand, bus, settings)
        stand.reader = next(worker for worker in workers if isinstance(worker, ConsumerRunner))
        await stack.enter_async_context(running(*workers))
        yield stand


async def _play_erasures(stand: Stand, settings: CustomerSettings) -> None:
    """As every process does before it is ready."""
    own = {"engagement": erasing(ENGAGEMENT_DATA), "scoring": erasing(SCORING_DATA), "customer": completing(stand.keys)}
    for name, erase in own.items():
        await watch_erasures(settings, stand.databases[name], erase, stand.parts.clock).check()


async def _outlet(stand: Stand) -> UUID:
    async with stand.databases["customer"].transaction() as uow:
        known = await uow.driver.fetchval("SELECT id FROM directory_outlet")
        if known is None:
            outlet = await directory.register_outlet(
                stand.work(uow), OutletRegistration(code="north", name="north", kind="traditional")
            )
            await uow.commit()
            known = outlet.id
    return UUID(str(known))


def _workers(stand: Stand, bus: EmbeddedBus, settings: CustomerSettings) -> list[Relay | ConsumerRunner]:
    clock, calendar = SystemClock(), stand.parts.calendar
    addresses = settings.model_dump(include={"database_url", "keys_database_url", "bus_database_url", "data_dir"})
    engagement = engagement_worker.subscriptions(
        engagement_worker.build_parts(EngagementSettings(**addresses), clock, stand.keys)
    )
    scoring = scoring_worker.subscriptions(
        scoring_worker.build_parts(ScoringSettings(**addresses), stand.databases["scoring"], clock, stand.keys)
    )
    customer = customer_worker.subscriptions(
        CustomerWorkerParts(clock=clock, calendar=calendar, keys=stand.keys, register=stand.parts.register)
    )
    verifier = build_verifier(settings)
    return [
        Relay(stand.databases["customer"], bus, signer=build_signer(settings)),
        Relay(stand.databases["scoring"], bus),
        ConsumerRunner(stand.databases["customer"], bus, "customer-svc", customer, settings=QUICK, verifier=verifier),
        ConsumerRunner(stand.databases["engagement"], bus, "engagement-svc", engagement, settings=QUICK, verifier=verifier),
        ConsumerRunner(stand.databases["scoring"], bus, "scoring-svc", scoring, settings=QUICK, verifier=verifier),
    ]
