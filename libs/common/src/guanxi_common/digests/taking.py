"""The owner's side: take digests, wait until all that they hold is in the log, and tell them with the log's ends."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import structlog
from guanxi_contracts.topics import load_topics

from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.digests import repository
from guanxi_common.digests.policy import Digested
from guanxi_common.messaging.bus import TopicPartition
from guanxi_common.parts import Part, PartProblem

_log = structlog.get_logger("guanxi.digests")

DRAIN_SECONDS: Final = 60.0
SETTLING_SECONDS: Final = 60.0
"""After a start: the consumer, which knows the log's ends, begins meanwhile, and the scans are not in its way."""
_POLL_SECONDS: Final = 0.2
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('guanxi digests'))"
# What waits behind a blocked key is not told, so the digest of its type shows the difference that there is.
_LAST: Final = "SELECT coalesce(max(sequence), 0) FROM outbox WHERE published_at IS NULL AND blocked_at IS NULL"
_LEFT: Final = "SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NULL AND blocked_at IS NULL AND sequence <= $1)"


Bounds = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, tuple[int, int]]]]
"""The first offset and the next one of each partition."""


class OutboxDoesNotDrain(PartProblem):
    """What the digests hold is not all in the log: the relay is behind. The next round tries again."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Digests of one moment: the sums by type, and the last unpublished row of the outbox that belongs to them."""

    sums: dict[str, dict[int, int]]
    until: date
    taken_at: datetime
    outbox_until: int


@dataclass(frozen=True, slots=True)
class Taking:
    """What an owner takes digests of, how often, and how it tells them: `tell` appends the events.

    `now`: the moment, and the last business date that counts.
    """

    digested: Sequence[Digested]
    tell: Callable[[UnitOfWork, Taken, dict[str, int]], Awaitable[None]]
    now: Callable[[], tuple[datetime, date]]
    interval: float = 3_600.0
    few_partitions: bool = False

    def places(self) -> list[TopicPartition]:
        """The partitions at whose ends the digests hold."""
        topics = sorted({topic for digested in self.digested for topic in digested.topics})
        return [place for topic in topics for place in partitions_of(topic, few=self.few_partitions)]


async def take(database: Database, taking: Taking) -> Taken | None:
    """All digests of one snapshot; None while another worker is at it."""
    async with database.transaction() as uow:
        await uow.driver.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if not await uow.driver.fetchval(_LOCK):
            return None
        taken_at, until = taking.now()
        last = await uow.driver.fetchval(_LAST)
        sums = {digested.type: await repository.scan(uow, digested, until) for digested in taking.digested}
    return Taken(sums, until, taken_at, last)


async def publish(database: Database, bounds: Bounds, taking: Taking, taken: Taken) -> None:
    """Tell the digests once everything that they hold is in the log. Raises `OutboxDoesNotDrain`, `BusError`."""
    deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
    while await _is_left(database, taken.outbox_until):
        if asyncio.get_running_loop().time() > deadline:
            raise OutboxDoesNotDrain(f"rows of the outbox up to {taken.outbox_until} are not published")
        await asyncio.sleep(_POLL_SECONDS)
    ends = {place: end for place, (_, end) in (await bounds(taking.places())).items() if end}
    offsets = {f"{place.topic}[{place.partition}]": end for place, end in ends.items()}
    async with database.transaction() as uow:
        await taking.tell(uow, taken, offsets)
        await uow.commit()


def digest_work(database: Database, bounds: Bounds, taking: Taking) -> Callable[[Part, asyncio.Event], Awaitable[None]]:
    """The work of the owner's part. A round that fails is followed by the next at its time: each costs a scan of all that it holds."""

    async def work(part: Part, stop: asyncio.Event) -> None:
        await part.rest(stop, timeout=SETTLING_SECONDS)
        while not stop.is_set():
            try:
                if taken := await take(database, taking):
                    await publish(database, bounds, taking, taken)
            except Exception as error:
                _log.exception("digests_not_taken", again_in_seconds=taking.interval)
                part.failed(error)
            else:
                part.went_well()
            await part.rest(stop, timeout=taking.interval)

    return work


async def _is_left(database: Database, sequence: int) -> bool:
    async with database.transaction(readonly=True) as uow:
        return bool(await uow.driver.fetchval(_LEFT, sequence))


def partitions_of(topic: str, *, few: bool) -> list[TopicPartition]:
    """All partitions of a topic, as the contract fixes them."""
    return [TopicPartition(topic, number) for number in range(load_topics()[topic].spec(test=few).partitions)]
