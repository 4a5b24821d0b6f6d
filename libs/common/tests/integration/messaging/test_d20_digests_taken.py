"""An owner takes digests at their times, whatever is wrong with its outbox and its bus."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from guanxi_common.clock import ManualClock
from guanxi_common.digests import comparing, metrics, taking
from guanxi_common.digests.policy import Digested
from guanxi_common.digests.taking import Taken, Taking, digest_work
from guanxi_common.messaging.bus import BusUnavailable, TopicPartition
from guanxi_common.parts import Part
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import FACTS, Fabric

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "SETTLING_SECONDS", 0.0)


class Owner:
    """Takes digests of nothing, and counts how often it tells them."""

    def __init__(self) -> None:
        self.told = 0
        self.asked = 0
        self.away = False
        self.taking = Taking((), self.tell, lambda: (datetime.now(UTC), date(2026, 11, 27)))

    async def tell(self, _uow: Any, _taken: Taken, _offsets: dict[str, int]) -> None:
        self.told += 1

    async def bounds(self, _places: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        self.asked += 1
        if self.away:
            raise BusUnavailable("away")
        return {}


async def test_d20_what_waits_behind_a_blocked_key_keeps_no_digest_from_being_taken(fabric: Fabric) -> None:
    insert = "INSERT INTO outbox (shard, topic, payload, event_count, blocked_at) VALUES (0, $1, 'refused', 1, now())"
    await fabric.execute(insert, FACTS)
    owner = Owner()
    taken = await taking.take(fabric.database, owner.taking)
    assert taken is not None
    await taking.publish(fabric.database, owner.bounds, owner.taking, taken)
    await fabric.execute("INSERT INTO outbox (shard, topic, payload, event_count) VALUES (0, $1, 'on its way', 1)", FACTS)
    taken = await taking.take(fabric.database, owner.taking)
    assert taken is not None
    await fabric.execute("UPDATE outbox SET blocked_at = now()")
    await taking.publish(fabric.database, owner.bounds, owner.taking, taken)
    assert owner.told == 2


async def test_d20_a_round_that_fails_is_no_reason_to_scan_again_at_once(fabric: Fabric) -> None:
    owner, stop = Owner(), asyncio.Event()
    owner.away = True
    part = Part("digests", digest_work(fabric.database, owner.bounds, owner.taking))
    work = asyncio.create_task(digest_work(fabric.database, owner.bounds, owner.taking)(part, stop))

    async def failed() -> bool:
        return part.report().last_error is not None

    await eventually(failed)
    assert not work.done(), "the part's back-off would begin a scan within seconds"
    stop.set()
    await work
    assert (owner.asked, owner.told) == (1, 0)


async def test_d20_a_type_that_was_never_compared_shows_since_when() -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    comparing.comparison_job("group", [Digested("never", "")], ManualClock(now))
    assert metrics.COMPARED.labels("never")._value.get() == now.timestamp()
