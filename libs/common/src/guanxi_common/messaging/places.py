"""Where one member stands in each partition that it holds, kept in line with the group's positions in the database.

A partition that has just been assigned gives nothing until it was placed: the member seeks to the stored position, and what a poll
returned from elsewhere is read again. The bus's listener says when a partition has left: one that comes back stands where the bus
has it, which after a restore of the database is further on. A member that works on while another has the partition is refused by
`InboxTransaction.move`.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass

import structlog
from guanxi_contracts.topics import topic_kinds

from guanxi_common.messaging import metrics
from guanxi_common.messaging.bus import CommitFenced, Consumer, Record, TopicPartition
from guanxi_common.messaging.inbox import InboxStore
from guanxi_common.messaging.positions import Move, ReadAgain, Standing, Taken, of_another_log, read_from

log = structlog.get_logger(__name__)

Polled = Mapping[TopicPartition, Sequence[Record]]


@dataclass(slots=True)
class _Place:
    """`stored` is the database's position, `next` the offset that the bus should return next; they differ where the log does not
    have the stored one. `paused`: nothing is read. `sure`: the bus has returned `next` since the partition was placed."""

    stored: int
    next: int
    paused: bool = False
    sure: bool = False
    asked_again: bool = False


class Places:
    """The places of one member. Every method but the listeners raises what the bus and the database raise."""

    def __init__(self, store: InboxStore, group: str, topics: Sequence[str]) -> None:
        self._store = store
        self._group = group
        self._topics = topics
        self._places: dict[TopicPartition, _Place] = {}
        self._looked_at = float("-inf")
        self.read_again: ReadAgain = {}

    async def forget_listener(self, partitions: frozenset[TopicPartition]) -> None:
        """For the bus, as partitions come and go."""
        self.forget(partitions)

    def forget(self, partitions: Iterable[TopicPartition] | None = None) -> None:
        """Place these, or all, anew before anything more is taken from them."""
        for at in list(self._places) if partitions is None else partitions:
            self._places.pop(at, None)

    async def admit(self, consumer: Consumer, polled: Polled) -> tuple[Polled, Mapping[TopicPartition, int]]:
        """What may be taken over of a poll; the rest is sought again. And the positions of partitions just placed, which the
        group's committed offsets may be behind."""
        held = consumer.assignment()
        self.forget(self._places.keys() - held)
        fresh = held - self._places.keys()
        sought = await self._place(consumer, fresh, polled) if fresh else {}
        admitted = {}
        for at, batch in polled.items():
            place = self._places.get(at)
            # What came with an assignment was read before the seek.
            if (
                place is not None
                and not place.paused
                and at not in sought
                and await self._continues(consumer, at, place, batch[0].offset)
            ):
                admitted[at] = batch
        return {at: batch for at, batch in admitted.items() if at in self._places}, sought

    def moves(self, admitted: Polled) -> list[Move]:
        """The steps of the positions that these batches are; called at once, as a partition may go at any time."""
        return [Move(at, self._places[at].stored, batch[-1].offset + 1) for at, batch in admitted.items()]

    def taken(self, taken: Taken) -> None:
        """These positions are stored now. A partition that went away meanwhile stays unknown, a paused one is placed anew."""
        for at in taken.positions.keys() & self._places.keys():
            self._places[at] = _Place(taken.positions[at], taken.positions[at], sure=True)
        self.forget(taken.paused)

    def paused(self) -> frozenset[TopicPartition]:
        """The partitions that stand still until an operator resumes them."""
        return frozenset(at for at, place in self._places.items() if place.paused)

    async def passed(self, consumer: Consumer) -> list[Move]:
        """The steps over what compaction has taken, once nothing is left to read before them: whoever waits for the position to reach
        an offset would wait for ever where the last records below it are gone. On other topics a gap is a loss, which is reported.
        """
        steps = []
        for at, place in list(self._places.items()):
            if topic_kinds().get(at.topic) != "snapshots":
                continue
            with suppress(CommitFenced):
                position = await consumer.position(at)
                if place.stored == place.next < position and at in self._places:
                    steps.append(Move(at, place.stored, position))
        return steps

    async def look(self, interval: float) -> None:
        """Now and then, notice what somebody else has changed: positions (a rebuild, a restored database), pauses (an operator)."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at < interval:
            return
        self._looked_at = now
        stored = await self._stored()
        self.forget([at for at, place in self._places.items() if stored.get(at) != Standing(place.stored, place.paused)])

    async def _stored(self) -> Mapping[TopicPartition, Standing]:
        async with self._store.begin(self._group) as transaction:
            stored = await transaction.standings()
            self.read_again = await transaction.read_again()
        for topic in self._topics:
            paused = sum(standing.paused for at, standing in stored.items() if at.topic == topic)
            metrics.PARTITIONS_PAUSED.labels(self._group, topic).set(paused)
        return stored

    async def _place(self, consumer: Consumer, fresh: frozenset[TopicPartition], polled: Polled) -> Mapping[TopicPartition, int]:
        """Seek each to its stored position; returns where it was sought. One without a position begins where the bus is."""
        stored = await self._stored()
        known = [at for at in fresh if at in stored]
        starts, ends = (await consumer.start_offsets(known), await consumer.end_offsets(known)) if known else ({}, {})
        await self._end_read_again(of_another_log(self.read_again, ends))
        sought = {}
        for at in known:
            standing = stored[at]
            position, reset = read_from(standing.position, starts[at], ends[at])
            if reset is not None:
                self._report(at, reset, standing.position, position)
            await consumer.seek(at, position)
            (consumer.pause if standing.paused else consumer.resume)([at])
            self._places[at] = _Place(standing.position, position, standing.paused)
            sought[at] = position
        await self._begin(consumer, fresh - stored.keys(), polled)
        return sought

    async def _begin(self, consumer: Consumer, partitions: Iterable[TopicPartition], polled: Polled) -> None:
        """Store the first position of partitions that have none, before anything is read: a dump must know each of them."""
        first = {}
        for at in partitions:
            with suppress(CommitFenced):
                first[at] = polled[at][0].offset if at in polled else await consumer.position(at)
        if first:
            async with self._store.begin(self._group) as transaction:
                await transaction.move([Move(at, None, position) for at, position in first.items()])
                await transaction.commit()
        self._places.update({at: _Place(position, position) for at, position in first.items()})

    async def _continues(self, consumer: Consumer, at: TopicPartition, place: _Place, first: int) -> bool:
        """Whether a batch that begins at `first` follows what was taken over before."""
        if first == place.next:
            return True
        if not place.sure and not place.asked_again:
            place.asked_again = True
            await consumer.seek(at, place.next)
            return False
        # The log was made anew, or lost records here. What is read twice is recognised, so the bus is followed.
        if first < place.next:
            self._report(at, "went_back", place.next, first)
            await self._end_read_again(self.read_again.keys() & {at})
        elif topic_kinds().get(at.topic) != "snapshots":  # compaction leaves gaps
            self._report(at, "gap", place.next, first)
        return True

    async def _end_read_again(self, partitions: AbstractSet[TopicPartition]) -> None:
        """The log of these is another one: a rebuild's offset would keep what is new in it from its effects."""
        if partitions:
            async with self._store.begin(self._group) as transaction:
                await transaction.end_read_again(partitions)
                await transaction.commit()
            self.read_again = {at: until for at, until in self.read_again.items() if at not in partitions}

    def _report(self, at: TopicPartition, reason: str, position: int, first: int) -> None:
        metrics.POSITIONS_RESET.labels(self._group, at.topic, reason).inc()
        place = f"{at.topic}[{at.partition}]"
        log.error("position_not_in_log", group=self._group, place=place, reason=reason, position=position, goes_on_at=first)
