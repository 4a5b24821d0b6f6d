"""Raise the owner's epoch after its database was restored."""

from dataclasses import dataclass
from datetime import datetime

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.outbox.epoch import epoch_in_force
from guanxi_common.recovery import republication
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.principal import AuditContext, Purpose

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('guanxi epoch'))"


@dataclass(frozen=True, slots=True)
class Raised:
    """The epoch that belongs to a restore; `again` where an earlier call has raised it."""

    epoch: int
    again: bool


def next_epoch(current: int, now: datetime) -> int:
    """The epoch after `current`: the seconds since 1970 at `now`, or the next number where the clock is behind.

    A backup does not know the epochs that came after it. Counting by one would give out the same number twice where one
    backup is restored twice, and consumers would take the second life of the owner for old.
    """
    return max(current + 1, int(now.timestamp()))


async def raise_epoch(uow: UnitOfWork, restore: str, by: str, now: datetime) -> Raised:
    """Begin a new epoch for the restore of this name, once, and have the owner's snapshots published anew. Audited as done by `by`.

    Processes of the service may run: what they write in the old epoch before they see the new one is published anew with all else.
    """
    await uow.driver.execute(_LOCK)
    known = await uow.driver.fetchval("SELECT epoch FROM owner_epoch WHERE restore = $1", restore)
    if known is not None:
        return Raised(known, again=True)
    epoch = next_epoch(await epoch_in_force(uow), now)
    await uow.driver.execute("INSERT INTO owner_epoch (epoch, restore, raised_at) VALUES ($1, $2, $3)", epoch, restore, now)
    await republication.supersede(uow, name_of(epoch))
    context = AuditContext(by, "restored", Purpose.OPERATIONS, None)
    await audit.record(uow, context, str(epoch), ("epoch",), subject_type="owner_epoch")
    return Raised(epoch, again=False)


def name_of(epoch: int) -> str:
    """The republication that goes with an epoch."""
    return f"epoch {epoch}"
