"""Replicas of the customer's facets (D7): what a service keeps of each compacted topic that is keyed by customer id.

A facet has a table of its own, so facets come in any order and at any distance. A customer is complete for a query that joins the
tables it needs. Of each customer the newest version counts, whenever it comes; a tombstone ends the customer here, and what comes later
of somebody erased is dropped. See docs/adr/0057.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.digests.policy import Digested
from guanxi_common.keys.store import DataKey, KeyStore
from guanxi_common.messaging.envelope import Envelope, Version, newest_of_each_key
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.processing import Handler
from guanxi_common.recovery.rebuilds import Replica, Settle
from guanxi_common.security.fields import Place, SealBroken, unseal_json

T = TypeVar("T")

Values = tuple[Any, ...]
"""The values of a facet's columns, in their order."""
Read = Callable[[Sequence[Envelope]], Awaitable[Sequence[Values]]]
"""The values of each of the events, which are of different customers. Raises `PermanentError` for one that can never be applied."""
End = Callable[[UnitOfWork, Sequence[str]], Awaitable[None]]
"""Ends what the service keeps of the customers (ids as in the keys). May be repeated: each facet has a tombstone."""


class _Sealed(msgspec.Struct):
    sealed: str


@dataclass(frozen=True, slots=True)
class FacetReplica:
    """What a service keeps of one facet.

    `table` has `customer_id` (its primary key), `epoch`, `version` and `columns`: the SQL type of each. `first`: columns that stay as
    they were first written.
    """

    topic: str
    type: str
    table: str
    columns: Mapping[str, str]
    first: Sequence[str] = ()

    def digested(self) -> Digested:
        """What is compared with the owner's: who is there, and at which version."""
        return digested_facet(self.topic, self.table)

    def rebuilt(self, settle: Settle | None = None, holds: tuple[str, ...] = ()) -> Replica:
        """The replica as a rebuild makes it anew."""
        return Replica(self.topic, {self.table: _KEY}, settle, holds)


_KEY: Final = "kept.customer_id::text"


def digested_facet(topic: str, table: str) -> Digested:
    """A facet's table as both sides sum it, named by its topic."""
    rows = f"SELECT DISTINCT customer_id::text AS key, concat_ws('|', customer_id, version) AS content FROM {table}"  # noqa: S608  # names of ours
    return Digested(topic, rows)


async def keep(uow: UnitOfWork, replica: FacetReplica, rows: Sequence[tuple[UUID, Version, Values]]) -> None:
    """Insert, or replace unless what is kept is newer. Of each customer one row; of the erased none is written."""
    if rows:
        flat = [(customer_id, version.epoch, version.number, *values) for customer_id, version, values in rows]
        await uow.driver.execute(_statement(replica), *map(list, zip(*flat, strict=True)))


def keeping(replica: FacetReplica, read: Read) -> Handler:
    """Make the handler that keeps the facet of events which are no tombstones, of different customers."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        values = await read(events)
        await keep(uow, replica, [(UUID(e.key), e.version, of_event) for e, of_event in zip(events, values, strict=True)])

    return handle


def facet_handler(keep: Handler, end: End, *then: Handler) -> Handler:
    """Make the handler of a facet's topic: `keep`, and what follows from it, get the newest event of each customer; tombstones `end`."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        newest = newest_of_each_key(events)
        if told := [event for event in newest if event.data is not None]:
            for step in (keep, *then):
                await step(uow, told)
        if ended := [event.key for event in newest if event.data is None]:
            await end(uow, ended)

    return handle


def read_each(events: Sequence[Envelope], shape: type[T]) -> list[T]:
    """What `shape` declares of each event's data. Raises `PermanentError`, without the offending value."""
    return [_read(event, shape) for event in events]


async def open_each(keys: KeyStore, events: Sequence[Envelope], shape: type[T]) -> list[T | None]:
    """The `sealed` of each event opened; None where the customer's data key is gone. Raises `PermanentError` where it does not open."""
    data_keys = await keys.get_many({UUID(event.key) for event in events})
    return [_open(event, key, shape) if (key := data_keys.get(UUID(event.key))) else None for event in events]


def _read(event: Envelope, shape: type[T]) -> T:
    try:
        return msgspec.convert(event.data, shape)
    except msgspec.ValidationError as error:
        raise PermanentError("invalid_event", event.type, event_id=event.id) from error


def _open(event: Envelope, key: DataKey, shape: type[T]) -> T:
    sealed = _read(event, _Sealed).sealed
    try:
        return msgspec.convert(unseal_json(sealed, key, Place(event.topic, "sealed", UUID(event.key))), shape)
    except (SealBroken, msgspec.ValidationError) as error:
        raise PermanentError("seal_broken", event.type, event_id=event.id) from error


def _statement(replica: FacetReplica) -> str:
    """The upsert. JSON goes as text: the driver has no arrays of it."""
    types = {"customer_id": "uuid", "epoch": "bigint", "version": "bigint", **replica.columns}
    arrays = ", ".join(f"${n}::{'text' if type_ == 'jsonb' else type_}[]" for n, type_ in enumerate(types.values(), 1))
    new = ", ".join(f"new.{name}::jsonb" if type_ == "jsonb" else f"new.{name}" for name, type_ in types.items())
    replaced = ", ".join(f"{name} = EXCLUDED.{name}" for name in types if name not in ("customer_id", *replica.first))
    return (
        f"INSERT INTO {replica.table} AS kept ({', '.join(types)}) SELECT {new} FROM unnest({arrays}) AS new ({', '.join(types)})"  # noqa: S608  # names of ours
        " WHERE NOT EXISTS (SELECT FROM erased_customer gone WHERE gone.customer_id = new.customer_id) ORDER BY new.customer_id"
        f" ON CONFLICT (customer_id) DO UPDATE SET {replaced}"
        " WHERE (kept.epoch, kept.version) <= (EXCLUDED.epoch, EXCLUDED.version)"
    )
