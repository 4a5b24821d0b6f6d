"""A running process takes up new versions: it reads its own database every few seconds."""

import asyncio
from datetime import datetime
from itertools import groupby
from typing import Final

import structlog

from guanxi_common.clock import Clock
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.jobs import Job
from guanxi_common.messaging.failures import describe
from guanxi_common.parts import Part
from guanxi_common.standards import repository
from guanxi_common.standards.metrics import IN_FORCE, NEWEST_AGE, READ_AT, UNUSABLE
from guanxi_common.standards.policy import StandardVersion, in_force
from guanxi_common.standards.register import Register

log = structlog.get_logger(__name__)

INTERVAL: Final = 10.0
"""Seconds between two looks. A version is approved minutes before it counts, so every process knows it by then."""
DEADLINE: Final = 10.0


async def refresh(uow: UnitOfWork, register: Register, now: datetime) -> None:
    """Have the register learn what the database knows, and measure it."""
    versions = await repository.read_versions(uow)
    register.learn(versions)
    _measure(register, versions, now)


async def read_once(database: Database, register: Register, clock: Clock) -> None:
    """`refresh` in a transaction of its own; a step of a worker's start."""
    async with asyncio.timeout(DEADLINE), database.transaction(readonly=True) as uow:
        await refresh(uow, register, clock.now())


async def read_at_start(database: Database, register: Register, clock: Clock) -> None:
    """The same before an API's first request. Where the database is away, nothing can be answered yet, and the part tries again."""
    try:
        await read_once(database, register, clock)
    except Exception as error:
        log.warning("standards_not_read", error=describe(error))


def refresh_job(register: Register, clock: Clock) -> Job:
    """The same for a worker, whose jobs are parts. It reads first as a step of the start: nothing is worked on by what ships."""

    async def run(uow: UnitOfWork) -> int:
        await refresh(uow, register, clock.now())
        return 0

    return Job("read-standards", INTERVAL, run)


def refreshing(database: Database, register: Register, clock: Clock) -> Part:
    """The part of a process that keeps its register up to date."""

    async def work(part: Part, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await read_once(database, register, clock)
            part.went_well()
            await part.rest(stop, timeout=INTERVAL)

    return Part("standards", work)


def _measure(register: Register, versions: list[StandardVersion], now: datetime) -> None:
    known = {name: kind.shipped_versions(register.calendar) for name, kind in register.kinds.items()}
    known |= {name: list(group) for name, group in groupby(versions, key=lambda version: version.kind)}
    for name, of_kind in known.items():
        usable = [version for version in of_kind if (name, version.number) not in register.unusable]
        NEWEST_AGE.labels(name).set((now - max(version.approved_at for version in of_kind)).total_seconds())
        UNUSABLE.labels(name).set(len(of_kind) - len(usable))
        if usable:
            IN_FORCE.labels(name).set(in_force(usable, now, now).number)
    READ_AT.set_to_current_time()
