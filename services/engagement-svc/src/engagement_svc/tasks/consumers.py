"""`customer.snapshots`, `directory.snapshots`: tasks go where the responsibility for their customers goes (D11)."""

from collections.abc import Sequence
from uuid import UUID

from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Handler

from engagement_svc.tasks import following

STAFF_SNAPSHOT = "guanxi.staff.snapshot.v1"


def tasks_follow_staff(replicate: Handler, clock: Clock) -> Handler:
    """Make the handler of staff snapshots: in the transaction in which `replicate` applies them, the open tasks of those who are
    here no more go to whoever is responsible for the customer, and back when they return."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        staff_ids = {UUID(event.key.rpartition(":")[2]) for event in events}
        before = await following.standing_of(uow, staff_ids)
        await replicate(uow, events)
        changed = before ^ await following.standing_of(uow, staff_ids)
        if changed and not uow.replaying:
            await following.follow_staff(uow, clock.now(), {UUID(str(standing[0])) for standing in changed})

    return handle


def tasks_follow_the_book(clock: Clock) -> Handler:
    """Make the handler of `customer.snapshots` that stands behind the replica's: open tasks go where the customer went."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        if not uow.replaying:
            named = sorted({UUID(event.key) for event in events if event.data is not None})
            await following.follow_the_book_of(uow, clock.now(), named)

    return handle
