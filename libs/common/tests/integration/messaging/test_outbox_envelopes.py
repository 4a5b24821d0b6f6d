"""What the outbox writes into an event's envelope: context, source, version and epoch, and which versions it takes."""

from uuid import uuid4

import pytest
from guanxi_common.context import CallContext, reset_context, set_context
from guanxi_common.messaging import outbox
from guanxi_contracts.codec import decode
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import (
    CHANGES,
    FACTS,
    SNAPSHOT,
    SNAPSHOTS,
    CustomerChanged,
    CustomerSnapshot,
    Fabric,
    TaskOpened,
    all_published,
    read_all,
    running,
)

pytestmark = pytest.mark.anyio


async def test_the_envelope_carries_context_source_version_and_id(fabric: Fabric) -> None:
    token = set_context(CallContext(actor="staff:7", traceparent="00-aa-bb-01", causation_id="cause"))
    event_id = uuid4()
    async with fabric.database.transaction() as uow:
        await outbox.append(uow, CustomerChanged(customer_id="c"), CustomerSnapshot(customer_id="c"), version=3)
        await outbox.append(uow, TaskOpened(customer_id="c"), event_id=event_id)
        await outbox.append_tombstone(uow, SNAPSHOT, SNAPSHOTS, "c", version=4)
        await uow.commit()
    reset_context(token)
    async with running(fabric.relay()):
        await eventually(lambda: all_published(fabric))
    envelopes = [decode(record) for record in await read_all(fabric, [FACTS, CHANGES, SNAPSHOTS])]
    by_topic = {(e.topic, e.data is None): e for e in envelopes}
    assert by_topic[CHANGES, False].aggregate_version == by_topic[SNAPSHOTS, False].aggregate_version == 3
    assert by_topic[SNAPSHOTS, True].aggregate_version == 4
    fact = by_topic[FACTS, False]
    assert (fact.id, fact.aggregate_version, fact.source) == (event_id, None, "/engagement-svc")
    assert (fact.actor, fact.traceparent, fact.causation_id) == ("staff:7", "00-aa-bb-01", "cause")


async def test_d20_what_has_a_version_carries_the_epoch_in_force_tombstones_too_and_facts_do_not(fabric: Fabric) -> None:
    for epoch, version in ((1, 9), (7, 6)):
        async with fabric.database.transaction() as uow:
            if epoch > 1:
                await uow.driver.execute("INSERT INTO owner_epoch (epoch, restore) VALUES ($1, 'drill')", epoch)
            await outbox.append(uow, CustomerChanged(customer_id="c"), CustomerSnapshot(customer_id="c"), version=version)
            await outbox.append_tombstone(uow, SNAPSHOT, SNAPSHOTS, "gone", version=version)
            await outbox.append(uow, TaskOpened(customer_id="c"))
            await uow.commit()
    async with running(fabric.relay()):
        await eventually(lambda: all_published(fabric))
    records = await read_all(fabric, [FACTS, CHANGES, SNAPSHOTS])
    told = sorted((envelope.topic, envelope.key, *envelope.version) for envelope in map(decode, records))
    versioned = [
        (topic, key, *version)
        for topic, key in ((CHANGES, "c"), (SNAPSHOTS, "c"), (SNAPSHOTS, "gone"))
        for version in ((1, 9), (7, 6))
    ]
    assert told == [*versioned, (FACTS, "c", 1, 0), (FACTS, "c", 1, 0)]
    assert all("ce_epoch" not in dict(record.headers) for record in records if record.topic == FACTS)


async def test_a_version_must_fit_the_kind_of_the_topic(fabric: Fabric) -> None:
    change = CustomerChanged(customer_id="c")
    async with fabric.database.transaction() as uow:
        with pytest.raises(ValueError, match="needs the aggregate's version"):
            await outbox.append(uow, change)
        with pytest.raises(ValueError, match="all the events are facts"):
            await outbox.append(uow, TaskOpened(customer_id="c"), version=1)
        with pytest.raises(ValueError, match="cannot have the same version"):
            await outbox.append(uow, change, change, version=1)
        with pytest.raises(ValueError, match="exactly one event"):
            await outbox.append(uow, TaskOpened(customer_id="c"), TaskOpened(customer_id="c"), event_id=uuid4())
