"""R1: a service that is killed under load, at each point between its transaction and the mark, loses no event and invents none."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import Fabric, running

pytestmark = pytest.mark.anyio

MEMBER = Path(__file__).with_name("relay_member.py")
POINTS = [
    "before the commit",
    "after the commit",
    "before the broker's acknowledgement",
    "after the broker's acknowledgement",
    "before the mark is durable",
    "after the mark is durable",
    "during the shutdown",
]


@pytest.mark.parametrize("point", POINTS)
async def test_committed_is_published_is_applied_after_a_kill(fabric: Fabric, point: str) -> None:
    member = await asyncio.create_subprocess_exec(sys.executable, str(MEMBER), point, fabric.url, fabric.bus_url)
    async with asyncio.timeout(60):
        assert await member.wait() == -signal.SIGKILL

    async def all_applied() -> bool:
        committed = sorted((row["key"], row["version"]) for row in await fabric.fetch("SELECT key, version FROM customer"))
        applied = [(f"{row['key']}-{row['n']}", row["n"]) for row in await fabric.effects()]
        assert committed
        assert sorted(applied) == committed
        return not await fabric.fetch("SELECT FROM outbox WHERE published_at IS NULL")

    async with running(fabric.relay(), fabric.runner()):
        await eventually(all_applied, timeout=60)
    for writer in range(4):
        order = [row["n"] for row in await fabric.effects() if row["key"] == str(writer)]
        assert order == sorted(order)
