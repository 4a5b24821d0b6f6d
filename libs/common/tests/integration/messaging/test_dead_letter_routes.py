"""The operators' API: what went wrong is seen, settled by one call, and every action is audited."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

import httpx
import pytest
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.app import create_service_app
from guanxi_common.http.idempotency import IdempotencyAnswer
from guanxi_common.http.settings import HttpSettings, ServiceParts
from guanxi_common.messaging import dead_letters, outbox
from guanxi_common.messaging.bus import RecordRejected
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.outbox.store import PostgresOutbox
from guanxi_common.messaging.relay import Sender, publish_pass
from guanxi_common.security.audit.tables import AUDIT_TABLES
from guanxi_common.security.principal import Identity, Principal, ScopeKind
from guanxi_testing.databases import TestServer
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import (
    CHANGED,
    CHANGES,
    FACTS,
    OPENED,
    CustomerChanged,
    Fabric,
    open_fabric,
    record,
    record_effects,
    running,
)
from sqlalchemy import Table
from sqlalchemy.schema import CreateTable

pytestmark = pytest.mark.anyio

BASE = "/v1/engagement-svc"


class Tokens:
    async def verify(self, token: str) -> Identity:
        return Identity("issuer", token, "staff")


async def resolve(uow: UnitOfWork, identity: Identity) -> Principal:
    grants = {"dead_letter.read": ScopeKind.ALL}
    if identity.subject == "operator":
        grants["dead_letter.manage"] = ScopeKind.ALL
    return Principal(identity, uuid5(UUID(int=1), identity.subject), "operations", None, (), grants)


@dataclass
class Operations:
    fabric: Fabric
    client: httpx.AsyncClient

    async def get(self, path: str) -> Any:
        answer = await self.client.get(BASE + path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = await self.client.post(BASE + path, json=body, headers={"Idempotency-Key": str(uuid4())})
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
async def operations(postgres: TestServer) -> AsyncIterator[Operations]:
    async with open_fabric(postgres) as fabric:
        async with fabric.database.transaction() as uow:
            for table in (cast("Table", IdempotencyAnswer.__table__), *AUDIT_TABLES):
                await uow.execute(CreateTable(table))
            await uow.commit()
        parts = ServiceParts(database=fabric.database, clock=SystemClock(), tokens=Tokens(), resolve_principal=resolve)
        settings = HttpSettings(secrets=(b"s" * 32,))
        router = dead_letters.routes("engagement-svc")
        app = create_service_app(settings, parts, routers=[router], title="Engagement", description="For tests.")
        headers = {"Authorization": "Bearer operator"}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://engagement", headers=headers) as client:
            yield Operations(fabric, client)


class Gate:
    """A handler that refuses everything until it is opened."""

    def __init__(self) -> None:
        self.open = False

    async def __call__(self, uow: UnitOfWork, events: Any) -> None:
        if not self.open:
            raise PermanentError("closed")
        await record_effects(uow, events)


async def test_a_dead_letter_is_listed_shown_replayed_and_releases_its_key(operations: Operations) -> None:
    gate, fabric = Gate(), operations.fabric
    await fabric.send(*(record(CHANGES, "c", CHANGED, version=version, data={"n": version}) for version in (1, 2)))

    async def listed() -> Any:
        return (await operations.get("/dead-letters"))["data"]

    async def settled() -> bool:
        return not await listed()

    async with running(fabric.runner(gate)):
        [letter] = await eventually(listed)
        assert (letter["reason"], letter["key"], letter["version"]) == ("closed", "c", 1)
        [waiting] = (await operations.get("/parked-events"))["data"]
        assert (waiting["reason"], waiting["version"]) == ("behind", 2)
        shown = await operations.get(f"/dead-letters/{letter['id']}")
        assert base64.b64decode(shown["value"]) == b'{"n": 1}'
        assert shown["headers"]["ce_type"] == CHANGED
        gate.open = True
        await operations.post(f"/dead-letters/{letter['id']}:replay")
        await eventually(settled)

        async def both_applied() -> bool:
            return [row["version"] for row in await fabric.effects()] == [1, 2]

        await eventually(both_applied)
    [resolved] = (await operations.get("/dead-letters?status=all"))["data"]
    assert resolved["resolution"] == "replayed"
    await operations.post(f"/dead-letters/{letter['id']}:replay", status=409)
    await operations.post(f"/dead-letters/{uuid4()}:skip", status=404)
    actions = [row["action"] for row in await fabric.fetch("SELECT action FROM audit_entry ORDER BY action")]
    assert actions == ["replayDeadLetter", "showDeadLetter"]


async def test_a_skipped_dead_letter_is_resolved_at_once(operations: Operations) -> None:
    fabric = operations.fabric
    await fabric.send(record(FACTS, "c", OPENED, data=b"no json"))

    async def listed() -> Any:
        return (await operations.get("/dead-letters"))["data"]

    async with running(fabric.runner()):
        [letter] = await eventually(listed)
        skipped = await operations.post(f"/dead-letters/{letter['id']}:skip")
    assert (skipped["resolution"], skipped["id"]) == ("skipped", letter["id"])
    assert await listed() == []


async def test_pages_of_dead_letters_show_each_once(operations: Operations) -> None:
    fabric = operations.fabric
    await fabric.send(*(record(FACTS, f"c{n}", OPENED, data=b"no json") for n in range(7)))

    async def all_buried() -> bool:
        return len((await operations.get("/dead-letters"))["data"]) == 7

    async with running(fabric.runner()):
        await eventually(all_buried)
    seen, cursor = [], ""
    while cursor is not None:
        page = await operations.get(f"/dead-letters?limit=3{cursor and '&cursor=' + cursor}")
        seen += [letter["key"] for letter in page["data"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == [f"c{n}" for n in range(7)]


async def test_an_accepted_gap_lets_the_consumer_go_on(operations: Operations) -> None:
    fabric = operations.fabric

    async def parked() -> Any:
        return (await operations.get("/parked-events"))["data"]

    async def applied() -> bool:
        return [row["version"] for row in await fabric.effects()] == [1, 4, 5]

    async with running(fabric.runner()):
        await fabric.send(*(record(CHANGES, "c", CHANGED, version=version, data={"n": 0}) for version in (1, 4, 5)))
        assert len(await eventually(parked)) == 2
        body = {"consumer": fabric.group, "topic": CHANGES, "key": "c"}
        assert await operations.post("/parked-events:acceptGap", body) == {"next_version": 4}
        await eventually(applied)
    await operations.post("/parked-events:acceptGap", body, status=404)


async def test_d18_a_paused_partition_is_listed_and_resumed_with_a_higher_limit(operations: Operations) -> None:
    fabric = operations.fabric
    await fabric.send(*(record(FACTS, "c", OPENED, data=b"no json") for _ in range(5)))

    async def listed() -> Any:
        return (await operations.get("/paused-partitions"))["data"]

    async def all_buried() -> bool:
        return len((await operations.get("/dead-letters"))["data"]) == 5

    async with running(fabric.runner(dead_letter_limit=3)):
        [paused] = await eventually(listed)
        assert (paused["reason"], paused["limit"], paused["position"], paused["open_letters"]) == ("dead_letter_limit", 3, 3, 3)
        place = {name: paused[name] for name in ("consumer", "topic", "partition")}
        resumed = await operations.post("/paused-partitions:resume", {**place, "limit": 10})
        assert (resumed["limit"], resumed["open_letters"]) == (10, 3)
        await eventually(all_buried)
    assert await listed() == []
    await operations.post("/paused-partitions:resume", place, status=404)
    for unfit in ({"limit": 0}, {"limit": 100_001}, {"partition": -1}, {"consumer": ""}):
        await operations.post("/paused-partitions:resume", {**place, **unfit}, status=422)
    entries = await fabric.fetch("SELECT action, subject_type, subject_id, fields FROM audit_entry")
    assert [(row["action"], row["subject_type"]) for row in entries] == [("resumePartition", "consumer_partition")]


async def test_d18_a_skip_gives_up_a_partition_s_letters_and_reads_on(operations: Operations) -> None:
    fabric = operations.fabric
    await fabric.send(
        *(record(CHANGES, "c", CHANGED, version=version, data=b"no json") for version in (1, 2)),
        *(record(CHANGES, "c", CHANGED, version=version, data={"n": version}) for version in (3, 4)),
    )

    async def listed() -> Any:
        return (await operations.get("/paused-partitions"))["data"]

    async def both_applied() -> bool:
        return [row["version"] for row in await fabric.effects()] == [3, 4]

    async with running(fabric.runner(dead_letter_limit=2)):
        [paused] = await eventually(listed)
        place = {name: paused[name] for name in ("consumer", "topic", "partition")}
        await operations.post("/paused-partitions:skip", place)
        await eventually(both_applied)
    letters = (await operations.get("/dead-letters?status=all"))["data"]
    assert [letter["resolution"] for letter in letters] == ["skipped", "skipped"]
    await operations.post("/paused-partitions:skip", place, status=404)


class Refusing:
    """A producer that refuses a key."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.refuse = True

    async def producer(self) -> "Refusing":
        return self

    async def send(self, records: Any) -> Any:
        if self.refuse:
            return [RecordRejected("too large")] * len(records)
        self.kept += [dict(one.headers)["ce_aggregateversion"] for one in records]
        return [None] * len(records)


@pytest.mark.parametrize(("action", "kept"), [("retry", [b"1", b"2"]), ("skip", [b"2"])])
async def test_a_blocked_key_is_retried_or_skipped(operations: Operations, action: str, kept: list[bytes]) -> None:
    fabric, bus = operations.fabric, Refusing()
    for version in (1, 2):
        async with fabric.database.transaction() as uow:
            await outbox.append(uow, CustomerChanged(customer_id="c"), version=version)
            await uow.commit()
    sender: Any = Sender(bus)  # type: ignore[arg-type]  # all that the relay asks of a bus
    store = PostgresOutbox(fabric.database)
    await publish_pass(store, sender)
    assert await publish_pass(store, sender) is False
    [blocked] = (await operations.get("/blocked-keys"))["data"]
    assert (blocked["topic"], blocked["key"]) == (CHANGES, "c")
    bus.refuse = False
    await operations.post(f"/blocked-keys:{action}", {"topic": CHANGES, "key": "c"})
    await publish_pass(store, sender)
    assert bus.kept == kept
    assert (await operations.get("/blocked-keys"))["data"] == []
    assert await fabric.fetch("SELECT * FROM outbox WHERE published_at IS NULL") == []
    await operations.post(f"/blocked-keys:{action}", {"topic": CHANGES, "key": "c"}, status=404)


async def test_reading_is_not_managing(operations: Operations) -> None:
    headers = {"Authorization": "Bearer reader", "Idempotency-Key": "k"}
    answer = await operations.client.post(f"{BASE}/dead-letters/{uuid4()}:skip", headers=headers)
    assert answer.status_code == 403
    assert (await operations.client.get(f"{BASE}/dead-letters", headers=headers)).status_code == 200
