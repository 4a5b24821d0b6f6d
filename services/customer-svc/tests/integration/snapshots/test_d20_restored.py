"""After a restore: a new epoch, once for each restore, and all snapshots published anew."""

import asyncio
import contextlib
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from customer_svc.customers import changes
from customer_svc.customers import repository as customers
from customer_svc.customers.changes import publish_failed
from customer_svc.directory import service as directory
from customer_svc.directory.schemas import OutletRegistration
from customer_svc.slices import SLICES
from customer_svc.snapshots.events import CustomerSnapshot
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.keys.wrapping import CannotUnwrap
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.recovery import epochs, republication
from guanxi_common.recovery.republication import SnapshotSource, publish_next
from guanxi_contracts.topics import load_topics
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio
OPERATOR = "host:operator"
NOW = datetime(2026, 11, 28, 5, tzinfo=UTC)


async def versions_told(desk: Any) -> list[tuple[str, int, int]]:
    """(key, epoch, version) of all that was appended, in order."""
    told = []
    for row in await desk.fetch("SELECT topic, payload FROM outbox ORDER BY sequence"):
        for record in unpack(row["topic"], row["payload"]):
            headers = dict(record.headers)
            told.append((record.key.decode(), int(headers["ce_epoch"]), int(headers["ce_aggregateversion"])))
    return told


async def publish_all(desk: Any, batch: int = 2) -> int:
    """Batches until all is published; transactions of other tests on this server may hold the start back."""
    sources = SLICES.snapshots(desk.worker)
    batches = 0
    async with asyncio.timeout(60):
        while await desk.fetch("SELECT FROM republication WHERE finished_at IS NULL"):
            done = await desk.write(lambda uow: publish_next(uow, sources, batch))
            batches += bool(done)
            await asyncio.sleep(0 if done else 0.05)
    return batches


async def raise_epoch(desk: Any, restore: str, after: timedelta = timedelta(0)) -> epochs.Raised:
    return await desk.write(lambda uow: epochs.raise_epoch(uow, restore, OPERATOR, NOW + after))


async def test_d20_an_epoch_is_raised_once_for_each_restore_and_audited(desk: Any) -> None:
    first = await raise_epoch(desk, "2026-11-28 a")
    again = await raise_epoch(desk, "2026-11-28 a", after=timedelta(hours=1))
    later = await raise_epoch(desk, "2026-11-28 b", after=timedelta(hours=2))
    assert (again.epoch, first.again, again.again) == (first.epoch, False, True)
    assert later.epoch > first.epoch > 1
    entries = await desk.fetch("SELECT actor, action, subject_id FROM audit_entry WHERE subject_type = 'owner_epoch' ORDER BY at")
    assert [tuple(row) for row in entries] == [(OPERATOR, "restored", str(one.epoch)) for one in (first, later)]


async def test_d20_the_same_backup_restored_twice_gives_two_epochs(desk: Any) -> None:
    first = await raise_epoch(desk, "first")
    await desk.write(lambda uow: uow.driver.execute("DELETE FROM owner_epoch"))  # as the backup was
    second = await raise_epoch(desk, "second", after=timedelta(hours=1))
    assert second.epoch > first.epoch


def test_d20_every_snapshot_that_customer_svc_owns_can_be_published_anew() -> None:
    parts: Any = None  # nothing is published
    owned = {
        type_
        for topic in load_topics().values()
        if topic.cleanup == "compact" and "customer-svc" in topic.producers
        for type_ in topic.types
    }
    assert {source.type for source in SLICES.snapshots(parts)} == owned


async def test_d20_all_snapshots_are_published_anew_at_their_versions_in_the_new_epoch(desk: Any) -> None:
    others = [uuid4() for _ in range(4)]

    async def found(uow: UnitOfWork) -> None:
        for number, customer_id in enumerate(others):
            await desk.add_customer(uow, customer_id, str(number + 2))
        await customers.bump_version(uow, others[0], NOW, by=4)
        await directory.prepare_directory(uow, "issuer", (("a", "head_office"), ("b", "head_office")), NOW)
        for code in ("021", "022", "023"):
            await directory.register_outlet(desk.system(uow), OutletRegistration(code=code, name=code, kind="traditional"))

    await desk.write(found)
    before = await versions_told(desk)
    raised = await raise_epoch(desk, "drill")
    assert await publish_all(desk) > 8
    anew = (await versions_told(desk))[len(before) :]
    assert {epoch for _, epoch, _ in anew} == {raised.epoch}
    told = Counter(key.partition(":")[0] if ":" in key else "customer" for key, _, _ in anew)
    roles = len({key for key, _, _ in before if key.startswith("role:")})
    assert told == {"role": roles, "outlet": 3, "staff": 2, "customer": 20}, (
        "of each customer a file, agreements, a book and the snapshot"
    )
    assert {(key, version) for key, _, version in anew} >= {(str(others[0]), 5), (str(others[1]), 1)}
    [row] = await desk.fetch("SELECT published, finished_at FROM republication")
    assert (row["published"], row["finished_at"] is not None) == (len(anew), True)
    assert await publish_all(desk) == 0


async def test_d20_an_operator_has_them_published_anew_in_the_same_epoch_once_for_each_reason(desk: Any) -> None:
    """Consumers know them by their versions; the log has them under the new signing key."""
    for _ in range(2):
        await desk.write(lambda uow: republication.ask(uow, "key 2", OPERATOR))
        await publish_all(desk)
    assert await versions_told(desk) == [(str(desk.customer), 1, 1)] * 4
    entries = await desk.fetch("SELECT actor, subject_id FROM audit_entry WHERE action = 'publishSnapshots'")
    assert {tuple(row) for row in entries} == {(OPERATOR, "asked for: key 2")}


async def test_d20_after_a_kill_the_job_goes_on_where_it_was(desk: Any) -> None:
    published: list[str] = []

    async def publish(uow: UnitOfWork, after: str | None, limit: int) -> republication.Batch:
        published.append(after or "0")
        if len(published) == 3:
            raise ConnectionError("killed")
        place = int(after or 0) + limit
        return republication.Batch(limit, str(place) if place < 8 else None)

    sources = [SnapshotSource("one", publish), SnapshotSource("two", publish)]
    await raise_epoch(desk, "drill")
    async with asyncio.timeout(60):
        while await desk.fetch("SELECT FROM republication WHERE finished_at IS NULL"):
            with contextlib.suppress(ConnectionError):
                await desk.write(lambda uow: publish_next(uow, sources, 2))
    assert published == ["0", "2", "4", "4", "6", "0", "2", "4", "6"]
    [row] = await desk.fetch("SELECT published, finished_at FROM republication")
    assert (row["published"], row["finished_at"] is not None) == (16, True)


async def test_d20_what_was_begun_in_the_old_epoch_is_published_anew_with_all_else(desk: Any) -> None:
    """A process that has read the old epoch commits after it was raised: nothing is published before that transaction has ended."""
    sources = [SnapshotSource(CustomerSnapshot.event_type, SLICES.snapshots(desk.worker)[-1].publish)]
    async with desk.database.transaction() as late:
        customer = await changes.lock_customer(desk.work(late), desk.customer)
        await customers.bump_version(late, customer.id, NOW)
        await late.driver.fetchval("SELECT max(epoch) FROM owner_epoch")
        raised = await raise_epoch(desk, "drill")
        assert await desk.write(lambda uow: publish_next(uow, sources)) == 1, "the horizon is set"
        assert await desk.write(lambda uow: publish_next(uow, sources)) == 0, "and waited for"
        await late.commit()
    assert await eventually(lambda: desk.write(lambda uow: publish_next(uow, sources)), timeout=60) == 1
    assert await versions_told(desk) == [(str(desk.customer), raised.epoch, 2)]


async def test_d20_a_customer_whose_key_is_gone_has_no_snapshot(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(customer_ids: Any) -> dict[Any, Any]:
        return {}

    monkeypatch.setattr(desk.keys, "get_many", none)
    await raise_epoch(desk, "drill")
    await publish_all(desk)
    assert sorted(kind for kind, _, _ in await desk.facets()) == ["agreements", "book"]
    assert json.dumps(await desk.told()) == "[]"


async def test_d20_a_key_that_cannot_be_opened_is_one_customer_s_failure_and_is_not_done_until_it_is_published(desk: Any) -> None:
    class Damaged:
        damaged = True

        async def get_many(self, customer_ids: Any) -> Any:
            if self.damaged and desk.customer in customer_ids:
                raise CannotUnwrap
            return await desk.keys.get_many(customer_ids)

    keys = Damaged()
    raised = await raise_epoch(desk, "damaged")
    sources = SLICES.snapshots(replace(desk.worker, keys=keys))
    async with asyncio.timeout(60):
        while await desk.fetch("SELECT FROM republication WHERE finished_at IS NULL"):
            await desk.write(lambda uow: publish_next(uow, sources, 2))
    name = epochs.name_of(raised.epoch)
    progress = await desk.write(lambda uow: republication.read_progress(uow, name))
    assert progress.failed == 1
    keys.damaged = False
    desk.now = NOW + timedelta(hours=1)
    assert await desk.write(lambda uow: publish_failed(desk.system(uow), keys)) == 1  # type: ignore[arg-type]  # all that it asks of a key store
    assert str(desk.customer) in {key for key, _, _ in await versions_told(desk)}
    assert (await desk.write(lambda uow: republication.read_progress(uow, name))).failed == 0
