"""What every service's API and worker process is made of: `main.py` and `worker.py` add the service's own parts.

`api_parts` are the keyword arguments that every `ServiceParts` takes; `run_worker` runs relay, consumers, audit sealer and jobs until
SIGTERM.
"""

import asyncio
import signal
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from guanxi_contracts.topics import load_topics, topic_specs

from guanxi_common import telemetry
from guanxi_common.clock import Clock
from guanxi_common.db.migrate import head_revision
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.http import idempotency
from guanxi_common.http.settings import HttpSettings
from guanxi_common.jobs import Job, run_jobs
from guanxi_common.messaging import inbox, outbox
from guanxi_common.messaging.bus import Bus
from guanxi_common.messaging.buses import open_bus
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner, RunnerSettings, Subscription
from guanxi_common.messaging.wakeup import Listener, WakeUp
from guanxi_common.security.audit.sealer import AuditSealer
from guanxi_common.security.build import build_token_verifier
from guanxi_common.security.directory.repository import resolve_principal
from guanxi_common.settings import ServiceSettings
from guanxi_common.startup import when_available
from guanxi_common.telemetry.metrics import watch_pool
from guanxi_common.telemetry.worker_http import Progress, serve_worker_http

OUTBOX_KEPT = timedelta(days=1)
ANSWERS_KEPT = timedelta(hours=48)
INBOX_KEPT = timedelta(days=5 + max(topic.retention_days or 0 for topic in load_topics().values() if topic.kind != "snapshots"))
"""Longer than any topic keeps its records: what is read again after a reset of the offsets is recognised."""


def open_database(settings: ServiceSettings, process: str) -> Database:
    """The process's only pool; `/metrics` shows how much of it is in use."""
    url = settings.database_url
    if url is None:
        raise ValueError("no database is configured")
    engine = create_engine(url, application_name=f"{settings.service} {process}")
    watch_pool(engine)
    return Database(engine, wake_relay=WakeUp(url).notify)


def api_parts(settings: ServiceSettings, clock: Clock, package: str) -> dict[str, Any]:
    """What `ServiceParts` needs, for the API process of `package`."""
    telemetry.configure(settings.service, "api")
    return {
        "database": open_database(settings, "api"),
        "clock": clock,
        "tokens": build_token_verifier(settings, clock),
        "resolve_principal": resolve_principal,
        "needed_revision": head_revision(package),
    }


def http_settings(settings: ServiceSettings) -> HttpSettings:
    return HttpSettings(secrets=settings.http_secret_list)


async def run_worker(
    settings: ServiceSettings,
    database: Database,
    clock: Clock,
    subscriptions: Sequence[Subscription],
    jobs: Sequence[Job],
    *,
    reading: RunnerSettings | None = None,
) -> None:
    """Run until SIGTERM or SIGINT; what is under way is finished. The consumer group is called after the service."""
    bus = await when_available(lambda: _open_bus(settings))
    # Until here a signal simply ends the process: nothing is under way.
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    relay = Relay(database, bus)
    runner = ConsumerRunner(database, bus, settings.service, subscriptions, settings=reading)
    background = [
        asyncio.create_task(Listener(settings.database_url or "", relay.wake).run()),
        asyncio.create_task(AuditSealer(database, settings.service, settings.audit_seed, clock).run()),
    ]
    if isinstance(bus, EmbeddedBus):
        background.append(asyncio.create_task(_maintain(bus)))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(until_stopped("relay", relay.run(stop), stop))
            group.create_task(until_stopped("consumer", runner.run(stop), stop))
            group.create_task(until_stopped("jobs", run_jobs(database, [*jobs, *_housekeeping(clock)], stop), stop))
            if settings.worker_port:
                progress: Progress = {"consumer": runner.seconds_since_progress}
                group.create_task(serve_worker_http(progress, stop, port=settings.worker_port))
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await bus.close()
        await database.dispose()


async def until_stopped(part: str, work: Awaitable[None], stop: asyncio.Event) -> None:
    """Do a part of a worker's work. Raises `RuntimeError` where it ends before `stop` is set: the worker is then started again.

    A task that a library cancels from within ends without an error, and a task group takes no notice of it.
    """
    task = asyncio.current_task()
    try:
        await work
    except asyncio.CancelledError:
        if stop.is_set() or task is None or task.cancelling():
            raise
    if not stop.is_set():
        raise RuntimeError(f"the {part} ended by itself")


async def _open_bus(settings: ServiceSettings) -> Bus:
    bus = await open_bus(kafka_bootstrap_servers=settings.kafka_bootstrap_servers, bus_database_url=settings.bus_database_url)
    try:
        await bus.ensure_topics(topic_specs(test=settings.few_partitions))
    except BaseException:
        await bus.close()
        raise
    return bus


def _housekeeping(clock: Clock) -> list[Job]:
    async def purge_outbox(uow: UnitOfWork) -> int:
        return await outbox.purge(uow, clock.now() - OUTBOX_KEPT)

    async def purge_inbox(uow: UnitOfWork) -> int:
        return await inbox.purge(uow, clock.now() - INBOX_KEPT)

    async def purge_answers(uow: UnitOfWork) -> int:
        return await idempotency.purge(uow, clock.now() - ANSWERS_KEPT)

    return [
        Job("purge-outbox", 60, purge_outbox),
        Job("purge-inbox", 600, purge_inbox),
        Job("purge-answers", 600, purge_answers),
    ]


async def _maintain(bus: EmbeddedBus) -> None:
    """Retention and compaction of the embedded log; one of the workers does it at a time."""
    while True:
        await asyncio.sleep(60)
        with suppress(Exception):  # the next round tries again; a broker that is away is reported by relay and consumers
            await bus.maintain()
