"""The owner publishes its snapshots anew: every aggregate's, as it stands and at its own version, in the epoch in force.

A slice registers what it publishes on compacted topics as a `SnapshotSource`; the job takes the sources one after the other, a
batch a transaction, and goes on after a kill where it was. Consumers that have a snapshot already recognise it by its version.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import Job
from guanxi_common.messaging import outbox
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.principal import AuditContext, Purpose

BATCH: Final = 200
QUEUE: Final = "publish-snapshots-anew"
"""The queue of set-aside items that holds what could not be published anew."""
INTERVAL: Final = 1.0
LATEST: Final = timedelta(seconds=30)
"""While the relay is further behind, the job waits: what is new comes before what is told again."""

_REQUEST = "INSERT INTO republication (name) VALUES ($1) ON CONFLICT DO NOTHING"
_TAKE = """
SELECT name, source, cursor, horizon, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest FROM republication
WHERE finished_at IS NULL ORDER BY requested_at, name LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# Whoever reads the old epoch has written before, so its transaction's id is below the next one that is given out now.
_SET_HORIZON = "UPDATE republication SET horizon = pg_snapshot_xmax(pg_current_snapshot())::text::bigint WHERE name = $1"
_ADVANCE = """
UPDATE republication SET source = $2, cursor = $3, published = published + $4,
    finished_at = CASE WHEN $5::boolean THEN clock_timestamp() END
WHERE name = $1
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of a source's aggregates: how many were published, and the last one's cursor; None: there are no more."""

    published: int
    cursor: str | None


Publish = Callable[[UnitOfWork, str | None, int], Awaitable[Batch]]
"""Appends the snapshots of the next aggregates, at most so many, that follow the cursor in an order of the source's own; each row is
locked before it is read, as for a change."""


@dataclass(frozen=True, slots=True)
class SnapshotSource:
    """What a slice publishes on a compacted topic: all aggregates of one event type."""

    type: str
    publish: Publish


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a republication is; `source` is the type that is published next. `failed` wait to be tried again: it is not done yet."""

    source: str | None
    published: int
    finished_at: datetime | None
    failed: int = 0


async def request(uow: UnitOfWork, name: str) -> None:
    """Have all snapshots published anew, once for each name."""
    await uow.driver.execute(_REQUEST, name)


async def ask(uow: UnitOfWork, reason: str, by: str) -> str:
    """As `request`, for an operator's own reason (signing keys were rotated); returns the name. Audited as asked for by `by`."""
    name = f"asked for: {reason}"
    await request(uow, name)
    context = AuditContext(by, "publishSnapshots", Purpose.OPERATIONS, None)
    await audit.record(uow, context, name, ("snapshots",), subject_type="republication")
    return name


async def supersede(uow: UnitOfWork, name: str) -> None:
    """As `request`, in the place of what is still open: a database from a dump may know a horizon of another server."""
    await uow.driver.execute("DELETE FROM republication WHERE finished_at IS NULL")
    await request(uow, name)


async def read_progress(uow: UnitOfWork, name: str) -> Progress | None:
    statement = (
        "SELECT source, published, finished_at, (SELECT count(*) FROM set_aside_item WHERE queue = $2)"
        " FROM republication WHERE name = $1"
    )
    row = await uow.driver.fetchrow(statement, name, QUEUE)
    return Progress(*row) if row else None


def republication_job(sources: Sequence[SnapshotSource]) -> Job:
    """The owner's job; a service that owns no snapshots has nothing to publish and is done at once."""

    async def run(uow: UnitOfWork) -> int:
        return await publish_next(uow, sources)

    return Job("publish-snapshots-anew", INTERVAL, run)


async def publish_next(uow: UnitOfWork, sources: Sequence[SnapshotSource], batch: int = BATCH) -> int:
    """Publish the next batch of the oldest republication that is open; 0 where there is none, or it must wait."""
    row = await uow.driver.fetchrow(_TAKE)
    if row is None:
        return 0
    if row["horizon"] is None:
        await uow.driver.execute(_SET_HORIZON, row["name"])
        return 1
    if row["oldest"] < row["horizon"] or await outbox.backlog_age(uow) > LATEST:
        return 0
    left = _left(sources, row["source"])
    done = await left[0].publish(uow, row["cursor"], batch) if left else Batch(0, None)
    if done.cursor is None:
        left = left[1:]
    await uow.driver.execute(_ADVANCE, row["name"], left[0].type if left else None, done.cursor, done.published, not left)
    return max(done.published, 1)


def _left(sources: Sequence[SnapshotSource], current: str | None) -> Sequence[SnapshotSource]:
    """The sources from the current one on; all where it is none that this release has."""
    types = [source.type for source in sources]
    return sources[types.index(current) :] if current in types else sources
