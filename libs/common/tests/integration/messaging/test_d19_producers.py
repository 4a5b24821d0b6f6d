"""D19: one forged record made a relationship manager head office. Power comes from the directory's producer alone."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from guanxi_common.ids import new_id
from guanxi_common.messaging import metrics, outbox
from guanxi_common.messaging.bus import Outgoing
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.messaging.kafka import KafkaBus
from guanxi_common.messaging.processing import Subscription
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner
from guanxi_common.messaging.signing import EventSigner, EventVerifier
from guanxi_common.security.directory.consumers import directory_handlers
from guanxi_common.security.directory.tables import DIRECTORY_TABLES
from guanxi_contracts.topics import topic_specs
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import QUICK, Fabric, dead_letters, expect_dead_letters, record, running
from guanxi_testing.signatures import SIGNER, VERIFIER

pytestmark = pytest.mark.anyio

TOPIC, STAFF = "directory.snapshots", "guanxi.staff.snapshot.v1"
RM = UUID(int=7)
KEY = f"staff:{RM}"


class StaffSnapshot(DomainEvent, type=STAFF, topic=TOPIC, key="entity_key"):
    staff_id: UUID = RM
    subject: str = "rm-a"
    name: str = "李雷"
    role: str = "relationship_manager"
    active: bool = True

    @property
    def key(self) -> str:
        return f"staff:{self.staff_id}"


HEAD_OFFICE = StaffSnapshot(role="head_office").model_dump(mode="json")


@pytest.fixture
async def directory(fabric: Fabric) -> Fabric:
    async with fabric.database.engine.begin() as connection:
        await connection.run_sync(DIRECTORY_TABLES[0].metadata.create_all, tables=list(DIRECTORY_TABLES))
    return fabric


def consumer(fabric: Fabric, verifier: EventVerifier = VERIFIER, **settings: Any) -> ConsumerRunner:
    subscriptions = [Subscription(TOPIC, directory_handlers("https://issuer"))]
    return ConsumerRunner(
        fabric.database, fabric.bus, fabric.group, subscriptions, settings=replace(QUICK, **settings), verifier=verifier
    )


async def tell(fabric: Fabric, version: int, **changed: Any) -> None:
    """customer-svc says what holds of the relationship manager."""
    async with fabric.database.transaction() as uow:
        await outbox.append(uow, StaffSnapshot(**changed), version=version)
        await uow.commit()


async def state(fabric: Fabric) -> list[tuple[str, int]]:
    rows = await fabric.fetch("SELECT role, version FROM directory_staff WHERE id = $1", RM)
    return [(row["role"], row["version"]) for row in rows]


def forgeries() -> list[Outgoing]:
    stranger = EventSigner("engagement-svc/1", b"\7" * 32)
    plain = record(TOPIC, KEY, STAFF, version=2, data=HEAD_OFFICE)
    return [
        plain,
        record(TOPIC, KEY, STAFF, version=10**17, data=HEAD_OFFICE),
        record(TOPIC, KEY, STAFF, version=3),  # a tombstone
        record(TOPIC, KEY, STAFF, version=4, data=b"not even JSON"),
        stranger.sign(plain),
        replace(SIGNER.sign(plain), value=b"{}"),
    ]


async def test_d19_a_forged_record_is_never_applied_and_holds_up_nothing(directory: Fabric) -> None:
    await _forge(directory)


@pytest.mark.kafka
async def test_d19_nor_is_it_on_kafka(directory: Fabric, kafka: str) -> None:
    bus = KafkaBus(kafka)
    await bus.ensure_topics([spec for spec in topic_specs(test=True) if spec.name == TOPIC])
    await _forge(replace(directory, bus=bus))


async def _forge(directory: Fabric) -> None:
    before = metrics.DEAD_LETTERS.labels(directory.group, TOPIC, "not_from_its_producer")._value.get()
    async with running(Relay(directory.database, directory.bus, signer=SIGNER), consumer(directory)):
        await tell(directory, 1)
        await eventually(lambda: _is(directory, ("relationship_manager", 1)))
        await directory.send(*forgeries())
        found = await expect_dead_letters(directory, len(forgeries()))
        assert {letter["reason"] for letter in found} == {"not_from_its_producer"}
        assert {letter["key"] for letter in found} == {None}
        assert await state(directory) == [("relationship_manager", 1)]
        # The true owner of the name is not locked out by them, and is heard at its own next version.
        await tell(directory, 2, role="teller")
        await eventually(lambda: _is(directory, ("teller", 2)))
    after = metrics.DEAD_LETTERS.labels(directory.group, TOPIC, "not_from_its_producer")._value.get()
    assert after - before == len(forgeries())


async def test_d19_a_replay_by_an_operator_does_not_make_a_forgery_true(directory: Fabric) -> None:
    async with running(consumer(directory)):
        await directory.send(forgeries()[0])
        [letter] = await expect_dead_letters(directory, 1)
        await _replay(directory, letter["id"])
        await eventually(lambda: _tried_again(directory))
    [letter] = await dead_letters(directory)
    assert (letter["resolved_at"], letter["reason"]) == (None, "not_from_its_producer")
    assert await state(directory) == []


async def test_d19_letters_of_a_key_that_came_late_are_replayed_in_their_place(directory: Fabric) -> None:
    """Whose public key was not configured yet: version 2 is applied, the tombstone before it is stale then."""
    unknown = [
        SIGNER.sign(record(TOPIC, KEY, STAFF, version=n, event_id=new_id(), data=data))
        for n, data in ((1, None), (2, StaffSnapshot().model_dump(mode="json")))
    ]
    async with running(consumer(directory, EventVerifier({}))):
        await directory.send(*unknown)
        found = await expect_dead_letters(directory, 2)
    async with running(consumer(directory)):
        for letter in reversed(found):
            await _replay(directory, letter["id"])
            await eventually(lambda letter=letter: _resolved(directory, letter["id"]))  # type: ignore[misc]
            assert await state(directory) == [("relationship_manager", 2)]
        await directory.send(unknown[0])
        await tell(directory, 3, role="teller")
        async with running(Relay(directory.database, directory.bus, signer=SIGNER)):
            await eventually(lambda: _is(directory, ("teller", 3)))


async def test_d19_a_signed_record_sent_again_is_stale(directory: Fabric) -> None:
    old, new = (
        SIGNER.sign(record(TOPIC, KEY, STAFF, version=n, data=HEAD_OFFICE | {"role": role}))
        for n, role in ((1, "head_office"), (2, "relationship_manager"))
    )
    async with running(consumer(directory)):
        await directory.send(old, new, old)
        await directory.send(SIGNER.sign(record(TOPIC, KEY, STAFF, version=3)), old)
        await eventually(lambda: _is(directory))
        await directory.send(SIGNER.sign(record(TOPIC, f"staff:{UUID(int=8)}", STAFF, version=1, data=_other())))
        await eventually(lambda: _knows(directory, UUID(int=8)))
    assert await state(directory) == []


async def test_d19_versions_are_not_judged_by_their_distance_but_a_jump_is_counted(directory: Fabric) -> None:
    jumps = metrics.VERSION_JUMPS.labels(directory.group, TOPIC)
    async with running(Relay(directory.database, directory.bus, signer=SIGNER), consumer(directory)):
        for version, expected in ((1, 0), (10_001, 0), (20_002, 1)):
            await tell(directory, version)
            await eventually(lambda version=version: _is(directory, ("relationship_manager", version)))  # type: ignore[misc]
            assert jumps._value.get() == expected


async def _is(fabric: Fabric, *expected: tuple[str, int]) -> bool:
    return await state(fabric) == list(expected)


async def _knows(fabric: Fabric, staff_id: UUID) -> bool:
    return bool(await fabric.fetch("SELECT FROM directory_staff WHERE id = $1", staff_id))


def _other() -> dict[str, Any]:
    return StaffSnapshot(staff_id=UUID(int=8), subject="rm-b").model_dump(mode="json")


async def _replay(fabric: Fabric, letter_id: UUID) -> None:
    await fabric.execute("UPDATE dead_letter SET requested_at = now(), requested_by = 'operator' WHERE id = $1", letter_id)


async def _tried_again(fabric: Fabric) -> bool:
    return bool(await fabric.fetch("SELECT FROM dead_letter WHERE attempts > 0 AND requested_at IS NULL"))


async def _resolved(fabric: Fabric, letter_id: UUID) -> bool:
    return bool(await fabric.fetch("SELECT FROM dead_letter WHERE id = $1 AND resolved_at IS NOT NULL", letter_id))
