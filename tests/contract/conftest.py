"""A house for the contract tests: the three services on real databases, served over loopback, with a small bank in them.

Two sibling outlets, north and south; who works where, `authorisation.yaml` says. Of the seeded customers `own` is rm_a's, whom
`assistant` assists, and `other` is rm_b's; each has an interaction, a plan, a task and a posting.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from customer_svc import main as customer_main
from customer_svc.directory import service as directory
from customer_svc.kinds import KINDS as CUSTOMER_KINDS
from customer_svc.parts import CustomerParts
from customer_svc.settings import CustomerSettings
from customer_svc.standards import service as standards
from engagement_svc import main as engagement_main
from engagement_svc import worker as engagement_worker
from engagement_svc.actions.service import give_way
from engagement_svc.kinds import KINDS as ENGAGEMENT_KINDS
from engagement_svc.parts import EngagementParts
from engagement_svc.rules import Rules
from engagement_svc.settings import EngagementSettings
from engagement_svc.standards import load_standards
from engagement_svc.tasks import service as tasks
from engagement_svc.tasks.policy import Origin
from engagement_svc.tasks.service import TaskRequest
from fastapi import FastAPI
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.errors import Text
from guanxi_common.http.serve import server
from guanxi_common.http.settings import RATES
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner
from guanxi_common.security.build import build_key_store, build_token_verifier
from guanxi_common.security.issuer import LocalIssuer
from guanxi_common.standards import Register
from guanxi_common.work import Work
from guanxi_contracts.topics import topic_specs
from guanxi_testing.databases import TestServer
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import QUICK, running
from guanxi_testing.good_requests.bodies import interaction, plan
from guanxi_testing.good_requests.table import good_requests
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House
from guanxi_testing.kafka import free_ports
from guanxi_testing.signatures import SIGNER, VERIFIER
from scoring_svc import main as scoring_main
from scoring_svc import worker as scoring_worker
from scoring_svc.parts import ScoringParts
from scoring_svc.settings import ScoringSettings
from scoring_svc.shipped import load_methods

from tests.contract.sheet import SHEET

NORTH, SOUTH = "north", "south"
HEAD_OFFICE, CLIENT = "head_office", "service"
FOUNDERS = ((HEAD_OFFICE, "head_office"), ("compliance", "compliance_officer"))
STAFF = {caller: post for caller, post in SHEET.posts.items() if caller not in {CLIENT, *dict(FOUNDERS)}}
UNLIMITED = dict.fromkeys(RATES, "1000000/minute")


@pytest.fixture(scope="session")
def house(postgres: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="house", daemon=True)
    thread.start()
    house = House(loop, LocalIssuer(tmp_path_factory.mktemp("house") / "issuer", SystemClock()))
    opened = _open(house, postgres, house.issuer.jwks_file.parent.parent)
    try:
        asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(120)
        _seed_directory(house)
        _seed_customers(house)
        house.run(_deliver(house))
        _seed_work(house)
        yield house
    finally:
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(60)
        house.client.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@asynccontextmanager
async def _open(house: House, postgres: TestServer, home: Path) -> AsyncIterator[None]:
    """Databases, parts, applications and servers; all closed at the end."""
    async with AsyncExitStack() as stack:
        databases = {
            name: await stack.enter_async_context(postgres.service_database(f"{name}_svc"))
            for name in ("customer", "engagement", "scoring")
        }
        keys_url = await stack.enter_async_context(postgres.database())
        bus_url = await stack.enter_async_context(postgres.database())
        settings = CustomerSettings(
            database_url=databases["customer"], keys_database_url=keys_url, bus_database_url=bus_url, data_dir=home
        )
        house.keys = build_key_store(settings, SystemClock())
        stack.push_async_callback(house.keys.close)
        await house.keys.create_schema()
        for name, url in databases.items():
            house.databases[name] = Database(create_engine(url, pool_size=5))
            stack.push_async_callback(house.databases[name].dispose)
        async with house.databases["customer"].transaction() as uow:
            await directory.prepare_directory(uow, settings.issuer, FOUNDERS, SystemClock().now())
            await standards.adopt_packages(uow, BusinessCalendar(zone=settings.business_zone), SystemClock().now())
            await uow.commit()
        house.apps = _apps(house, settings)
        house.limit_rates(UNLIMITED)
        house.bus = await EmbeddedBus.open(bus_url)
        stack.push_async_callback(house.bus.close)
        for (name, app), port in zip(house.apps.items(), free_ports(len(house.apps)), strict=True):
            await stack.enter_async_context(_served(app, port))
            house.urls[name] = f"http://127.0.0.1:{port}"
        yield


@asynccontextmanager
async def _served(app: FastAPI, port: int) -> AsyncIterator[None]:
    uvicorn = server(app, port=port)
    serving = asyncio.create_task(uvicorn.serve())

    async def started() -> bool:
        return uvicorn.started

    await eventually(started, timeout=60)
    try:
        yield
    finally:
        uvicorn.should_exit = True
        await serving


def _apps(house: House, settings: CustomerSettings) -> dict[str, FastAPI]:
    clock = SystemClock()
    calendar = BusinessCalendar(zone=settings.business_zone)
    tokens = build_token_verifier(settings, clock)
    common: dict[str, Any] = {"clock": clock, "tokens": tokens}
    addresses = settings.model_dump(include={"database_url", "keys_database_url", "bus_database_url", "data_dir"})
    return {
        "customer": customer_main.build_app(
            settings,
            CustomerParts(
                **common,
                database=house.databases["customer"],
                keys=house.keys,
                erasures=FileErasureList(settings.erasure_file),
                indexes=customer_main.build_indexes(settings),
                calendar=calendar,
                issuer=settings.issuer,
                register=Register(CUSTOMER_KINDS, calendar),
            ),
        ),
        "engagement": engagement_main.build_app(
            EngagementSettings(**addresses),
            EngagementParts(
                **common,
                database=house.databases["engagement"],
                register=Register(ENGAGEMENT_KINDS, calendar),
                calendar=calendar,
                give_way=give_way,
            ),
        ),
        "scoring": scoring_main.build_app(
            ScoringSettings(**addresses),
            ScoringParts(**common, database=house.databases["scoring"], methods=load_methods(calendar)),
        ),
    }


def _seed_directory(house: House) -> None:
    for outlet in (NORTH, SOUTH):
        body = {"code": outlet, "name": outlet, "kind": "traditional"}
        house.ids[outlet] = house.create("customer", HEAD_OFFICE, "/v1/outlets", body)
    for subject, (role, place) in STAFF.items():
        member = {"subject": subject, "name": subject, "role": role, "outlet_id": house.ids[place] if place else None}
        house.ids[subject] = house.enter(HEAD_OFFICE, "compliance", "/v1/staff", member)
    client = {"client_id": CLIENT, "name": CLIENT, "role": SHEET.posts[CLIENT].role, "sources": ["core"]}
    house.ids[CLIENT] = house.enter(HEAD_OFFICE, "compliance", "/v1/clients", client)


def _seed_customers(house: House) -> None:
    for name, outlet, keepers in (
        ("own", NORTH, {"rm_id": "rm_a", "assistant_id": "assistant"}),
        ("other", SOUTH, {"rm_id": "rm_b"}),
    ):
        number = f"holder-{name}"
        customer = house.register(
            CLIENT,
            outlet,
            reference={"source": "core", "customer_number": number},
            identity_document={"kind": "passport", "number": f"E{name}1234"},
            phones=["+8613912345678"],
        )
        house.ids[f"customer:{name}"] = customer
        assignment = {capacity: house.ids[keeper] for capacity, keeper in keepers.items()}
        assert house.call("customer", HEAD_OFFICE, "POST", f"/v1/customers/{customer}:assign", json=assignment).is_success
        account = {
            "source": "core",
            "account_number": number,
            "kind": "opened",
            "holder": {"source": "core", "customer_number": number},
            "product_code": "current",
            "currency": "CNY",
            "opened_on": "2020-01-01",
        }
        house.call("customer", CLIENT, "POST", "/v1/accounts:batchCreate", json={"items": [account]})
        item = {
            "source": "core",
            "account_number": number,
            "external_id": "T-1",
            "booked_on": "2026-11-02",
            "money": {"amount": -125_00, "currency": "CNY"},
            "code": "CARD",
        }
        posted = house.call("customer", CLIENT, "POST", "/v1/transactions:batchCreate", json={"items": [item]})
        assert posted.json()["items"][0]["status"] == "created", posted.text


async def _deliver(house: House) -> None:
    """Let the events of the seed reach the other two services."""
    clock, settings = SystemClock(), EngagementSettings
    bus = house.bus
    await bus.ensure_topics(topic_specs(test=True))
    addresses: dict[str, Any] = {"database_url": "-", "keys_database_url": "-", "bus_database_url": "-"}
    engagement = engagement_worker.subscriptions(engagement_worker.build_parts(settings(**addresses), clock, house.keys))
    scored = scoring_worker.build_parts(ScoringSettings(**addresses), house.databases["scoring"], clock, house.keys)
    scoring = scoring_worker.subscriptions(scored)
    runners = [
        ConsumerRunner(house.databases[name], bus, name, subscriptions, settings=QUICK, verifier=VERIFIER)
        for name, subscriptions in (("engagement", engagement), ("scoring", scoring))
    ]
    expected = {
        "directory_staff": len(STAFF) + len(FOUNDERS),
        "directory_client": 1,
        "book_assignment": 5,
        "customer_agreements": 2,
    }
    async with running(Relay(house.databases["customer"], bus, signer=SIGNER), *runners):
        await eventually(lambda: _arrived(house, "engagement", {**expected, "customer": 2}), timeout=60)
        await eventually(lambda: _arrived(house, "scoring", {**expected, "ledger_entry": 2}), timeout=60)


async def _arrived(house: House, service: str, counts: dict[str, int]) -> bool:
    async with house.databases[service].transaction(readonly=True) as uow:
        found = {table: await uow.driver.fetchval(f"SELECT count(*) FROM {table}") for table in counts}  # noqa: S608  # our own names
    return found == counts


def _seed_work(house: House) -> None:
    # Contact without end, so that one test's contacts do not use up another's.
    house.fetch("engagement", "UPDATE customer_agreements SET max_contacts = 1000000, contact_period_days = 30")
    for name, rm in (("own", "rm_a"), ("other", "rm_b")):
        customer = house.ids[f"customer:{name}"]
        house.ids[f"interaction:{name}"] = house.create("engagement", rm, "/v1/interactions", interaction(customer))
        house.ids[f"plan:{name}"] = house.create("engagement", rm, "/v1/plans", plan(customer))
        house.ids[f"task:{name}"] = house.run(_open_task(house, UUID(customer)))
    house.ids["run"] = str(house.call("scoring", HEAD_OFFICE, "POST", "/v1/score-runs", json={}).json()["id"])


async def _open_task(house: House, customer_id: UUID) -> str:
    # The first of every list, however many tasks the tests open.
    origin, reason = Origin("seed", customer_id), Text("Quiet.", "无交易。")
    request = TaskRequest(customer_id, "signal_follow_up", origin, "dormancy", reason, {}, priority=1)
    calendar = BusinessCalendar(zone="Asia/Shanghai")
    async with house.databases["engagement"].transaction() as uow:
        work = Work.of_system(uow, "seed", datetime.now(UTC), calendar)
        task = await tasks.open_task(work, Rules(load_standards(), calendar), request)
        await uow.commit()
    assert task is not None
    return str(task.id)


@pytest.fixture(scope="session")
def requests(house: House) -> GoodRequests:
    return good_requests(house)
