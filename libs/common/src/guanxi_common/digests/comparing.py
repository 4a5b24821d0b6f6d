"""The consumer's side: keep what the owner tells, and compare once we have read as far as it holds."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.digests import metrics, repository
from guanxi_common.digests.policy import BUCKETS, Digested, confirmed, differences, is_past, of_text
from guanxi_common.digests.repository import Comparison
from guanxi_common.jobs import Job
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.processing import Handler
from guanxi_common.parts import LONG_SECONDS

DIGEST_TAKEN: Final = "guanxi.digest.taken.v1"
INTERVAL: Final = 60.0

Told = Callable[[UnitOfWork, Comparison], Awaitable[None]]
"""What else is done with a comparison, in its transaction."""


class _Taken(msgspec.Struct):
    """What is read of `digest.taken`."""

    digested: str
    taken_at: datetime
    until: date
    sums: list[str]
    offsets: dict[str, int]


def keep_digests(types: Sequence[Digested]) -> Handler:
    """Make the handler of `digest.taken`; digests of types that are not ours are passed over."""
    ours = {digested.type for digested in types}

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        for event in events:
            try:
                taken = msgspec.convert(event.data, _Taken)
            except msgspec.ValidationError as error:
                raise PermanentError("invalid_event", event.type, event_id=event.id) from error
            if len(taken.sums) != BUCKETS:
                raise PermanentError("invalid_event", event.type, event_id=event.id)
            if taken.digested in ours:
                await repository.keep_told(uow, taken.digested, msgspec.to_builtins(taken))

    return handle


def comparison_job(group: str, types: Sequence[Digested], clock: Clock, told: Told | None = None) -> Job:
    """The consumer's job: compares what waits and can be compared, and shows how every type stands.

    A type that was never compared shows the time at which the job was made, so that it is noticed in the end.
    """
    known = {digested.type: digested for digested in types}
    for type_ in known:
        metrics.COMPARED.labels(type_).set(clock.now().timestamp())

    async def run(uow: UnitOfWork) -> int:
        await compare_waiting(uow, group, known, clock.now(), told)
        for comparison in await repository.list_comparisons(uow):
            metrics.DIFFERING.labels(comparison.type).set(len(comparison.differing))
            if comparison.compared_at is not None:
                metrics.COMPARED.labels(comparison.type).set(comparison.compared_at.timestamp())
        return 0

    return Job("compare-digests", INTERVAL, run, deadline=LONG_SECONDS)


async def compare_waiting(
    uow: UnitOfWork, group: str, types: dict[str, Digested], now: datetime, told: Told | None = None
) -> list[Comparison]:
    """Compare each digest that waits, if the group has read as far as it holds."""
    done = []
    for waiting in await repository.take_waiting(uow):
        taken = msgspec.convert(waiting.told, _Taken)
        if waiting.type not in types or not is_past(await repository.read_positions(uow, group), taken.offsets):
            continue
        found = differences(of_text(taken.sums), await repository.scan(uow, types[waiting.type], taken.until))
        differing = confirmed(waiting.deltas, found)
        comparison = Comparison(waiting.type, taken.taken_at, taken.until, now, differing)
        await repository.keep_comparison(uow, comparison, found)
        if told is not None:
            await told(uow, comparison)
        done.append(comparison)
    return done
