"""`customer.books`, `directory.snapshots`: tasks go where the responsibility for their customers goes (D11), and end with them."""

from collections.abc import Sequence
from uuid import UUID

from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.records import Erasure
from guanxi_common.erasure.registry import PersonalTable
from guanxi_common.erasure.replay import Erase, erasing
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Handler

from engagement_svc.tasks import following, service

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
    """Make the handler of `customer.books` that stands behind the replica's: open tasks go where the customer went."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        if not uow.replaying:
            named = sorted({UUID(event.key) for event in events if event.data is not None})
            await following.follow_the_book_of(uow, clock.now(), named)

    return handle


def tasks_end_with_the_erased(clock: Clock) -> Handler:
    """Make the handler of a facet that stands before the replica's: an erased customer's open tasks end, and that is told."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        erased = [UUID(event.key) for event in events if event.data is None]
        if erased and not uow.replaying:
            await service.end_with_the_erased(uow, erased, clock.now())

    return handle


def erasing_with_tasks(tables: Sequence[PersonalTable]) -> Erase:
    """How this service erases: its open tasks end, and its rows go."""
    erase_rows = erasing(tables)

    async def erase(uow: UnitOfWork, erasures: Sequence[Erasure]) -> None:
        for erasure in erasures:
            await service.end_with_the_erased(uow, [erasure.customer_id], erasure.erased_at)
        await erase_rows(uow, erasures)

    return erase
