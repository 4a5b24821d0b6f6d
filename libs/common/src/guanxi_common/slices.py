"""What a slice offers to the processes of its service, said in the slice's own `slice.py`.

A service lists its slices once, in `slices.py`; `main.py` and `worker.py` build their processes from the list. See docs/adr/0053.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from fastapi import APIRouter

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.hot_route import HotRoute
from guanxi_common.jobs import Job, WorkerParts
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.processing import Handler, Subscription
from guanxi_common.recovery.republication import SnapshotSource

P = TypeVar("P", bound=WorkerParts)


def _nothing(_: WorkerParts) -> Sequence[Any]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Slice(Generic[P]):
    """`routers` and `hot_routes` are the API's. All else is made of the worker's parts; `snapshots` go to compacted topics."""

    routers: Sequence[APIRouter] = ()
    hot_routes: Sequence[HotRoute] = ()
    subscriptions: Callable[[P], Sequence[Subscription]] = _nothing
    jobs: Callable[[P], Sequence[Job]] = _nothing
    snapshots: Callable[[P], Sequence[SnapshotSource]] = _nothing


class Slices(Generic[P]):
    """The slices of a service. The order counts where several take one type of event, or publish snapshots: the first comes first."""

    def __init__(self, *slices: Slice[P]) -> None:
        self.slices: Final = slices
        self.routers: Final = [router for each in slices for router in each.routers]
        self.hot_routes: Final = [route for each in slices for route in each.hot_routes]

    def subscriptions(self, parts: P) -> list[Subscription]:
        """One a topic. Raises ValueError where two slices read a topic in different ways."""
        return joined(subscription for each in self.slices for subscription in each.subscriptions(parts))

    def jobs(self, parts: P) -> list[Job]:
        return [job for each in self.slices for job in each.jobs(parts)]

    def snapshots(self, parts: P) -> list[SnapshotSource]:
        return [source for each in self.slices for source in each.snapshots(parts)]


def joined(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """One subscription a topic. A type that several take goes through their handlers in turn, in one transaction.

    Types that the same handlers take stay interleaved, as within one subscription. Raises ValueError for a topic that two read in
    different ways.
    """
    topics: dict[str, list[Subscription]] = {}
    for subscription in subscriptions:
        topics.setdefault(subscription.topic, []).append(subscription)
    return [_joined(readers) if len(readers) > 1 else readers[0] for readers in topics.values()]


def _joined(readers: Sequence[Subscription]) -> Subscription:
    one = readers[0]
    if any((other.dedupe, other.parsed_by) != (one.dedupe, one.parsed_by) for other in readers):
        raise ValueError(f"{one.topic} is read in different ways")
    steps: dict[str, tuple[Handler, ...]] = {}
    for reader in readers:
        for type_, handler in reader.handlers.items():
            steps[type_] = (*steps.get(type_, ()), handler)
    chains = {handlers: _in_turn(handlers) for handlers in steps.values()}
    return Subscription(one.topic, {type_: chains[handlers] for type_, handlers in steps.items()}, one.dedupe, one.parsed_by)


def _in_turn(handlers: tuple[Handler, ...]) -> Handler:
    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        for handler in handlers:
            await handler(uow, events)

    return handlers[0] if len(handlers) == 1 else handle
