"""Carries strikes out, and keeps what must be found set aside afterwards."""

import os
import signal
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from random import Random
from time import sleep
from typing import Final

import anyio
import asyncpg
import httpx
from anyio.to_thread import run_sync
from guanxi_common.messaging.bus import Bus, BusError, Outgoing, Record
from guanxi_common.messaging.buses import open_bus
from guanxi_common.messaging.outbox.rows import shard_of
from guanxi_testing.bad_records import bad_records
from guanxi_testing.deployment import RunningDeployment
from guanxi_testing.eventually import eventually

from tests.soak.schedule import Strike

RECORDS_PER_STRIKE: Final = 6
RECORDS_PER_RUN: Final = 150
"""In a long run the rest is left out: so few pause no partition, which would keep the load from arriving."""
TRIES: Final = 60
_GARBAGE: Final = (b"", b"\xc1", b"\x93", b"\x90", b"\x82\xa1x", b"no msgpack")
_CHUNK: Final = 1 << 20

Sent = tuple[str, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""Topic, key, value and headers."""


def sent_of(record: Outgoing | Record) -> Sent:
    return record.topic, record.key, record.value, tuple(record.headers)


def set_clock(file: Path, seconds: int) -> None:
    """Set the clock that far off, at once for all processes."""
    new = file.with_suffix(".new")
    new.write_text(f"{seconds:+}s\n", encoding="utf-8")
    new.chmod(0o644)
    new.replace(file)


class Striker:
    """`disk`: the folder of a file system that may be filled up; `clock`: the file that says how far off the processes' clock is.
    None: there is none."""

    def __init__(self, deployment: RunningDeployment, disk: Path | None, clock: Path | None = None) -> None:
        self._deployment = deployment
        self._disk = disk
        self._clock = clock
        self._count = 0
        self.sent: set[Sent] = set()
        self.bad_rows: dict[str, set[str]] = defaultdict(set)
        """By service, the keys that a damaged row of its outbox blocks."""

    async def strike(self, strike: Strike) -> None:
        """Carry it out, and return when every process lives and is ready."""
        random = Random(strike.seed)
        if strike.kind == "kill":
            await run_sync(self._deployment.kill, strike.target)
        elif strike.kind == "pause":
            await run_sync(self._stop_for, strike.target, strike.seconds)
        elif strike.kind == "bad records":
            await self._send_bad_records(random)
        elif strike.kind == "bad row":
            await self._write_bad_row(strike.target, random)
        elif strike.kind == "clock":
            await self._jump(strike.jump, strike.seconds)
        else:
            await run_sync(self._fill_disk, strike.seconds)
        await run_sync(self._deployment.bring_back)

    def _stop_for(self, name: str, seconds: float) -> None:
        pid = self._deployment.processes().get(name)
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        try:
            sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _jump(self, seconds: int, lasting: float) -> None:
        assert self._clock is not None
        set_clock(self._clock, seconds)
        try:
            await eventually(lambda: self._is_off_by(seconds), timeout=10)
            await anyio.sleep(lasting)
        finally:
            set_clock(self._clock, 0)

    async def _is_off_by(self, seconds: int) -> bool:
        """As an API's answer shows; one that does not answer now has the same clock."""
        try:
            async with httpx.AsyncClient(trust_env=False) as http:
                told = parsedate_to_datetime((await http.get(f"{self._deployment.urls['scoring']}/livez")).headers["date"])
        except httpx.TransportError:
            return False
        return abs((told - datetime.now(UTC)).total_seconds() - seconds) < 4

    async def _send_bad_records(self, random: Random) -> None:
        self._count += 1
        kafka = self._deployment.kafka
        bus = await open_bus(
            kafka_bootstrap_servers=kafka.bootstrap_servers if kafka else None,
            bus_database_url=None if kafka else self._deployment.database_url("bus"),
        )
        try:
            left = max(0, min(RECORDS_PER_STRIKE, RECORDS_PER_RUN - len(self.sent)))
            for record in random.sample(list(bad_records(f"soak-bad-{self._count}").values()), left):
                await self._send(bus, record)
        finally:
            await bus.close()

    async def _send(self, bus: Bus, record: Outgoing) -> None:
        """Until it is there; more than once does no harm."""
        self.sent.add(sent_of(record))
        for _ in range(TRIES):
            try:
                producer = await bus.producer()
                try:
                    if await producer.send([record]) == [None]:
                        return
                finally:
                    await producer.close()
            except (BusError, OSError, TimeoutError):
                pass
            await anyio.sleep(0.5)
        raise AssertionError("the bus takes no record")

    async def _write_bad_row(self, service: str, random: Random) -> None:
        self._count += 1
        key = f"soak-row-{self._count}"
        connection = await asyncpg.connect(self._deployment.database_url(service))
        try:
            row = shard_of(key.encode()), "bank.accounts", key, random.choice(_GARBAGE)
            await connection.execute(
                "INSERT INTO outbox (shard, topic, key, payload, event_count) VALUES ($1, $2, $3, $4, 1)", *row
            )
        finally:
            await connection.close()
        self.bad_rows[service].add(key)

    def _fill_disk(self, seconds: float) -> None:
        """Leave no byte on the deployment's own small file system for a while."""
        assert self._disk is not None
        ballast = self._disk / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"\0" * _CHUNK)
                except OSError:
                    sleep(seconds)
        finally:
            ballast.unlink(missing_ok=True)
