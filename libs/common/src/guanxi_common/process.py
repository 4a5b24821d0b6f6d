"""What every service's API and worker process is made of: `main.py` and `worker.py` add the service's own parts.

`api_parts` are the keyword arguments that every `ServiceParts` takes; `run_worker` runs relay, consumers, audit sealer and jobs, each a
part that fails alone (`guanxi_common.parts`), until SIGTERM.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import structlog
from guanxi_contracts.topics import load_topics

from guanxi_common import operations, set_aside, telemetry
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock
from guanxi_common.db.migrate import SchemaUnfit, head_revision, require_revision
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.digests.taking import Taking, digest_work
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.erasure.replay import Erase, ErasureWatch
from guanxi_common.http import idempotency
from guanxi_common.http.settings import HttpSettings
from guanxi_common.jobs import Job, job_part
from guanxi_common.messaging import inbox, outbox
from guanxi_common.messaging.bus import Bus, BusUnavailable, TopicPartition, TopicSpec
from guanxi_common.messaging.buses import open_bus
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner, RunnerSettings, Subscription
from guanxi_common.messaging.wakeup import Listener, WakeUp
from guanxi_common.parts import LONG_SECONDS, Part, run_parts
from guanxi_common.recovery.rebuilds import Rebuilder, Replica
from guanxi_common.security.audit.sealer import AuditSealer
from guanxi_common.security.build import build_signer, build_token_verifier, build_verifier
from guanxi_common.security.directory.repository import resolve_principal
from guanxi_common.settings import ServiceSettings
from guanxi_common.telemetry.metrics import watch_pool
from guanxi_common.telemetry.worker_http import serve_worker_http

log = structlog.get_logger(__name__)

OUTBOX_KEPT = timedelta(days=1)
ANSWERS_KEPT = timedelta(hours=48)
INBOX_KEPT = timedelta(days=5 + max(topic.retention_days or 0 for topic in load_topics().values() if topic.kind != "snapshots"))
"""Longer than any topic keeps its records: what is read again after a reset of the offsets is recognised."""

SCHEMA_INTERVAL: Final = 60.0
SEAL_INTERVAL: Final = 1.0
MAINTENANCE_INTERVAL: Final = 60.0
DATABASE_INTERVAL: Final = 10.0
REBUILD_INTERVAL: Final = 1.0
DATABASE_DEADLINE: Final = 10.0

Step = Callable[[], Awaitable[None]]
"""A step of a worker's start. It may be done twice, and is tried again until it succeeds."""


def open_database(settings: ServiceSettings, process: str) -> Database:
    """The process's only pool; `/metrics` shows how much of it is in use."""
    url = settings.database_url
    if url is None:
        raise ValueError("no database is configured")
    engine = create_engine(url, application_name=f"{settings.service} {process}")
    watch_pool(engine)
    return Database(engine, wake_relay=WakeUp(url).notify)


def watch_erasures(settings: ServiceSettings, database: Database, erase: Erase, clock: Clock) -> ErasureWatch:
    """Who plays the list of erasures again for this process; its `check` is a step of a worker's start."""
    return ErasureWatch(database, FileErasureList(settings.erasure_file), erase, clock)


def log_plaintext(settings: ServiceSettings) -> None:
    """Say at each start what production was told to leave in plain."""
    for setting, (kind, flaw) in settings.unsafe_connections().items():
        if settings.production:
            log.warning("plaintext_allowed", setting=setting, kind=kind, flaw=flaw)


def api_parts(settings: ServiceSettings, clock: Clock, package: str, erase: Erase) -> dict[str, Any]:
    """What `ServiceParts` needs, for the API process of `package`. `erase` is what the service does with a customer's rows."""
    telemetry.configure(settings.service, "api")
    log_plaintext(settings)
    database, needed_revision = open_database(settings, "api"), head_revision(package)
    erasures = watch_erasures(settings, database, erase, clock)
    return {
        "service": settings.service,
        "database": database,
        "background": (database_part(database, needed_revision), Part("erasures", erasures.watch, stalled_after=LONG_SECONDS)),
        "erasure_watch": erasures,
        "clock": clock,
        "calendar": BusinessCalendar(zone=settings.business_zone),
        "tokens": build_token_verifier(settings, clock),
        "resolve_principal": resolve_principal,
        "needed_revision": needed_revision,
    }


def database_part(database: Database, needed_revision: str | None) -> Part:
    """The part that looks whether the database answers and has the schema that the code needs."""

    async def watch(part: Part, stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with asyncio.timeout(DATABASE_DEADLINE), database.transaction(readonly=True) as uow:
                await require_revision(uow, needed_revision)
            part.went_well()
            await part.rest(stop, timeout=DATABASE_INTERVAL)

    return Part("database", watch)


def http_settings(settings: ServiceSettings) -> HttpSettings:
    return HttpSettings(secrets=settings.http_secret_list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a service's worker does. Consumers and jobs wait for the `steps` of the start, which may be done twice."""

    needed_revision: str | None
    subscriptions: Sequence[Subscription]
    jobs: Sequence[Job]
    steps: Mapping[str, Step]
    replicas: Sequence[Replica] = ()
    taking: Taking | None = None
    reading: RunnerSettings | None = None


async def run_worker(settings: ServiceSettings, database: Database, clock: Clock, workload: Workload) -> None:
    """Run until SIGTERM or SIGINT; what is under way is finished. The consumer group is called after the service.

    Nothing waits for longer than what it needs. Raises `SchemaUnfit` where the database's schema is, or becomes, one that this code
    cannot work on.
    """
    log_plaintext(settings)
    worker = Worker(settings, database, clock, workload)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop.set)
    try:
        await worker.run()
    finally:
        await database.dispose()


class Worker:
    """The parts of one worker process, and what they wait for."""

    def __init__(self, settings: ServiceSettings, database: Database, clock: Clock, workload: Workload) -> None:
        self.stop: Final = asyncio.Event()
        self._settings = settings
        self._database = database
        self._needed_revision = workload.needed_revision
        self._bus: Bus | None = None
        self._relay: Relay | None = None
        self._runner: ConsumerRunner | None = None
        reading = replace(workload.reading or RunnerSettings(), dead_letter_limit=settings.dead_letter_limit)
        self._consumed = (workload.subscriptions, reading)
        self._rebuilder = Rebuilder(database, self._bounds, settings.service, workload.replicas)
        self._signer, self._verifier, self._kafka = build_signer(settings), build_verifier(settings), settings.kafka_client
        self._unfit: SchemaUnfit | None = None
        schema = Part("schema", self._watch_schema)
        steps_done = [schema, *(_start(name, step, schema) for name, step in workload.steps.items())]
        bus = Part("bus", self._open_bus, once=True)
        self._sealer = AuditSealer(database, settings.service, settings.audit_seed, clock)
        self.parts: Final = [
            *steps_done,
            bus,
            Part("relay", self._publish, needs=[schema, bus]),
            Part("listener", self._listen, endless=True),
            Part("sealer", self._seal, needs=[schema]),
            Part("consumer", self._consume, needs=[*steps_done, bus], progress=self._silence),
            Part("rebuilds", self._rebuild, needs=[*steps_done, bus], stalled_after=LONG_SECONDS),
            Part("log-maintenance", self._maintain, needs=[bus], once=True, stalled_after=LONG_SECONDS),
            *(job_part(database, job, needs=steps_done) for job in (*workload.jobs, *_housekeeping(clock))),
        ]
        if workload.taking is not None:
            digests = digest_work(database, self._bounds, workload.taking)
            self.parts.append(Part("digests", digests, needs=[*steps_done, bus], stalled_after=LONG_SECONDS))
        if settings.worker_port:
            self.parts.append(Part("http", self._serve, stalled_after=None))  # it waits for callers

    async def run(self) -> None:
        """Run the parts until `stop` is set. Raises `SchemaUnfit`."""
        try:
            await run_parts(self.parts, self.stop)
        finally:
            if self._bus is not None:
                await self._bus.close()
        if self._unfit is not None:
            raise self._unfit

    async def _watch_schema(self, part: Part, stop: asyncio.Event) -> None:
        """The worker's only reason to end by itself: on a schema that it does not know every statement is a guess."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(DATABASE_DEADLINE), self._database.transaction(readonly=True) as uow:
                    await require_revision(uow, self._needed_revision)
            except SchemaUnfit as error:
                self._unfit = error
                stop.set()
                return
            part.went_well()
            part.achieve()
            await part.rest(stop, timeout=SCHEMA_INTERVAL)

    async def _open_bus(self, part: Part, _stop: asyncio.Event) -> None:
        """Open the bus and make its topics. Whoever needs a topic that cannot be made waits for it alone."""
        settings = self._settings
        if self._bus is None:
            self._bus = await open_bus(
                kafka_bootstrap_servers=settings.kafka_bootstrap_servers,
                bus_database_url=settings.bus_database_url,
                kafka_security=self._kafka,
            )
        try:
            await self._bus.ensure_topics(self._topics())
        finally:
            part.achieve()

    def _topics(self) -> list[TopicSpec]:
        """What the service writes or reads: at Kafka it may do no more."""
        read = {subscription.topic for subscription in self._consumed[0]}
        used = (topic for topic in load_topics().values() if topic.name in read or topic.is_used_by(self._settings.service))
        return [topic.spec(test=self._settings.few_partitions) for topic in used]

    async def _publish(self, part: Part, stop: asyncio.Event) -> None:
        self._relay = Relay(self._database, self._opened_bus(), signer=self._signer, part=part)
        await self._relay.run(stop)

    async def _listen(self, part: Part, _stop: asyncio.Event) -> None:
        await Listener(self._settings.database_url or "", self._wake_relay, on_listening=part.went_well).run()

    def _wake_relay(self) -> None:
        if self._relay is not None:
            self._relay.wake()

    async def _seal(self, part: Part, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._sealer.seal_all()
            part.went_well()
            await part.rest(stop, timeout=SEAL_INTERVAL)

    async def _consume(self, part: Part, stop: asyncio.Event) -> None:
        subscriptions, reading = self._consumed
        self._runner = ConsumerRunner(
            self._database,
            self._opened_bus(),
            self._settings.service,
            subscriptions,
            settings=reading,
            verifier=self._verifier,
            part=part,
        )
        await self._runner.run(stop)

    async def _rebuild(self, part: Part, stop: asyncio.Event) -> None:
        while not stop.is_set():
            went_on = await self._rebuilder.step()
            part.went_well()
            if not went_on:
                await part.rest(stop, timeout=REBUILD_INTERVAL)

    async def _bounds(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        if self._runner is None:
            raise BusUnavailable("the consumer has not begun")
        return await self._runner.bounds(partitions)

    def _silence(self) -> float:
        return self._runner.seconds_since_progress() if self._runner is not None else 0.0

    async def _maintain(self, part: Part, stop: asyncio.Event) -> None:
        """Retention and compaction of the embedded log; one of the workers does it at a time. Kafka does its own."""
        bus = self._opened_bus()
        while isinstance(bus, EmbeddedBus) and not stop.is_set():
            await part.rest(stop, timeout=MAINTENANCE_INTERVAL)
            await bus.maintain()
            part.went_well()

    async def _serve(self, part: Part, stop: asyncio.Event) -> None:
        settings = self._settings
        await serve_worker_http(
            settings.service,
            self.parts,
            stop,
            port=settings.worker_port or 0,
            host=settings.worker_host,
            on_listening=part.went_well,
        )

    def _opened_bus(self) -> Bus:
        if self._bus is None:
            raise BusUnavailable("the bus is not open")
        return self._bus


def _start(name: str, step: Step, schema: Part) -> Part:
    """The part that does a step of the start. The list of erasures may be long."""

    async def work(_part: Part, _stop: asyncio.Event) -> None:
        await step()

    return Part(name, work, once=True, needs=[schema], stalled_after=LONG_SECONDS)


def _housekeeping(clock: Clock) -> list[Job]:
    async def purge_outbox(uow: UnitOfWork) -> int:
        return await outbox.purge(uow, clock.now() - OUTBOX_KEPT)

    async def purge_inbox(uow: UnitOfWork) -> int:
        return await inbox.purge(uow, clock.now() - INBOX_KEPT)

    async def purge_answers(uow: UnitOfWork) -> int:
        return await idempotency.purge(uow, clock.now() - ANSWERS_KEPT)

    async def watch_set_aside(uow: UnitOfWork) -> int:
        return await set_aside.watch(uow, clock.now())

    return [
        *operations.housekeeping(clock),
        Job("watch-set-aside-items", 60, watch_set_aside),
        Job("purge-outbox", 60, purge_outbox),
        Job("purge-inbox", 600, purge_inbox),
        Job("purge-answers", 600, purge_answers),
    ]
