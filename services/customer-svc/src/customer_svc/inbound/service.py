"""The audit log's entry of an intake: one for each batch, whichever way it came in."""

from collections.abc import Iterable
from typing import Final, Protocol

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.principal import AuditContext, Purpose

_LONGEST: Final = 200


class Sourced(Protocol):
    @property
    def source(self) -> str: ...


async def record_intake(uow: UnitOfWork, context: AuditContext, items: Iterable[Sourced], what: str) -> None:
    """Log that a batch of `what` (transactions, accounts) of these sources was taken in. Which items: their rows say."""
    sources = ",".join(sorted({item.source for item in items}))
    await audit.record(uow, context, sources[:_LONGEST], (what,), subject_type="intake")


def from_the_bus(topic: str) -> AuditContext:
    """Who takes in what core banking sends over Kafka."""
    return AuditContext(f"bus:{topic}", "takeIn", Purpose.OPERATIONS, None)
