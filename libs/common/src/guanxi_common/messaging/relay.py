"""The relay: publishes what is committed in the outbox, in order per key, at least once.

One pass is one transaction: lock some shards that have work (advisory transaction locks, so any number of relays run at once and
a dead one's locks end with its connection), read their oldest unpublished rows, send, mark what was acknowledged, commit. The
scan asks for *unpublished*, never for *greater than the last*: a transaction that commits late is found all the same.

- Order per key: a row is sent only after every earlier row of its keys was acknowledged; the first failure stops the key.
- Unknown outcome (time-out, connection lost): the row stays and is sent again; consumers dedupe.
- Refused by the broker for good: that key alone is blocked, with an alert, until an operator retries or skips the record.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from guanxi_common.db.uow import Database
from guanxi_common.messaging import metrics
from guanxi_common.messaging.bus import Bus, BusError, BusUnavailable, Outgoing, Producer, RecordRejected
from guanxi_common.messaging.failures import describe, is_transient
from guanxi_common.messaging.outbox.delivery import Delivery, Outcome
from guanxi_common.messaging.outbox.store import OutboxStore, PostgresOutbox
from guanxi_common.messaging.signing import EventSigner, signed_topics
from guanxi_common.parts import Part

log = structlog.get_logger(__name__)

POLL_INTERVAL: Final = 0.100
SEND_DEADLINE: Final = 15.0
PASS_DEADLINE: Final = 300.0
"""A pass that has hung for so long is given up with its connection, and with the locks that it held."""
"""Below `idle_in_transaction_session_timeout`: the transaction outlives the send, so what was acknowledged can be marked."""
FIRST_BACKOFF: Final = 0.1
LONGEST_BACKOFF: Final = 5.0
SHARDS_PER_PASS: Final = 4
EVENTS_PER_PASS: Final = 4_000
AGE_INTERVAL: Final = 1.0


class Relay:
    """Publishes one service's outbox. Start any number of them, each `run` in one task.

    A lane is a producer with a connection of its own: more lanes publish more shards at once. `part` hears of each lane's passes.
    The producer of a signed topic needs `signer`; without it consumers refuse what it sends there.
    """

    def __init__(
        self,
        database: Database | OutboxStore,
        bus: Bus,
        *,
        lanes: int = 2,
        signer: EventSigner | None = None,
        part: Part | None = None,
    ) -> None:
        self._signer = signer
        self._store: OutboxStore = PostgresOutbox(database) if isinstance(database, Database) else database
        self._bus = bus
        self._part = part
        self._wakes = [asyncio.Event() for _ in range(lanes)]

    def wake(self) -> None:
        """There is something to publish: look at once. Give it to `wakeup.Listener`."""
        for wake in self._wakes:
            wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; passes under way are finished. Raises only for what is not transient."""
        async with asyncio.TaskGroup() as group:
            for wake in self._wakes:
                group.create_task(self._run_lane(wake, stop))
            group.create_task(self._measure_age(stop))
            await stop.wait()
            self.wake()

    async def _run_lane(self, wake: asyncio.Event, stop: asyncio.Event) -> None:
        sender = Sender(self._bus, self._signer)
        backoff = FIRST_BACKOFF
        try:
            while not stop.is_set():
                wake.clear()
                try:
                    async with asyncio.timeout(PASS_DEADLINE):
                        more = await publish_pass(self._store, sender)
                except Exception as error:
                    if not is_transient(error):
                        raise
                    if self._part is not None:
                        self._part.failed(error, source=wake)
                    metrics.RELAY_ERRORS.labels(type(error).__name__).inc()
                    log.warning("relay_pass_failed", error=describe(error), next_in_seconds=backoff)
                    await _wait(stop, backoff)
                    backoff = min(backoff * 2, LONGEST_BACKOFF)
                else:
                    if self._part is not None:
                        self._part.went_well(source=wake)
                    backoff = FIRST_BACKOFF
                    if not more and not stop.is_set():
                        await _wait(wake, POLL_INTERVAL)
        finally:
            await sender.close()

    async def _measure_age(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                metrics.OUTBOX_AGE.set((await self._store.backlog_age()).total_seconds())
            except Exception as error:
                if not is_transient(error):
                    raise
            await _wait(stop, AGE_INTERVAL)


async def _wait(event: asyncio.Event, timeout: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()


class Sender:
    """A lane's producer, made when first needed and replaced when its state is unknown. `signer` signs for signed topics."""

    def __init__(self, bus: Bus, signer: EventSigner | None = None) -> None:
        self._bus = bus
        self._signer = signer
        self._producer: Producer | None = None

    async def send(self, records: Sequence[Outgoing]) -> list[BusError | None]:
        """One outcome per record; never raises for the broker's sake. After `SEND_DEADLINE` every outcome is unknown.

        A broker refuses the whole batch in which one record is bad, so each refused one is sent again alone.
        """
        if self._signer is not None:
            records = [self._signer.sign(record) if record.topic in signed_topics() else record for record in records]
        results = await self._send(records)
        if len(records) > 1:
            for place, error in enumerate(results):
                if isinstance(error, RecordRejected):
                    [results[place]] = await self._send([records[place]])
        return results

    async def _send(self, records: Sequence[Outgoing]) -> list[BusError | None]:
        try:
            async with asyncio.timeout(SEND_DEADLINE):
                if self._producer is None:
                    self._producer = await self._bus.producer()
                return await self._producer.send(records)
        except (BusError, OSError, TimeoutError) as error:
            await self.close()
            return [BusUnavailable(type(error).__name__)] * len(records)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(BusError, OSError, TimeoutError):
                async with asyncio.timeout(SEND_DEADLINE):
                    await producer.close()


async def publish_pass(store: OutboxStore, sender: Sender) -> bool:
    """Publish one batch; return whether there may be more to do at once.

    Raises `BusUnavailable` where an outcome is unknown; what was acknowledged is marked even then.
    """
    async with store.begin() as transaction:
        shards = await transaction.lock_shards(SHARDS_PER_PASS)
        if not shards:
            return False
        rows = await transaction.read(shards, EVENTS_PER_PASS)
        delivery = Delivery(rows, await transaction.blocked_keys(shards))
        while wave := delivery.next_wave():
            delivery.settle(await sender.send(wave))
        await transaction.settle(delivery.outcome)
        await transaction.commit()
    _report(delivery.outcome)
    return bool(rows)


def _report(outcome: Outcome) -> None:
    metrics.RELAY_PUBLISHED.inc(outcome.event_count)
    for (topic, _), (row, error) in outcome.blocked.items():
        metrics.OUTBOX_KEYS_BLOCKED.labels(topic).inc()
        log.error("outbox_key_blocked", topic=topic, outbox_row=row.sequence, error=error)
    if outcome.failed:
        raise BusUnavailable(next(iter(outcome.failed.values())))
