"""Change a customer's file in order: lock it, and publish each fact at a version of its own, with the snapshot of the last of them.

A slice that changes what a snapshot holds locks the file (`lock_customer`), stores its change, and hands its facts to `tell_changes`.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.keys.store import DataKey, KeyStore
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.recovery import republication
from guanxi_common.recovery.republication import Batch
from guanxi_common.set_aside import USUAL, Patience, note_failed, try_each, work_off
from guanxi_common.work import Work

from customer_svc.customers import repository
from customer_svc.customers.repository import Customer
from customer_svc.facets import service as facets
from customer_svc.facets.policy import Facet
from customer_svc.snapshots.service import FileFacts, read_snapshot


async def lock_customer(work: Work, customer_id: UUID) -> Customer:
    """The file, its row locked until the transaction ends. Raises `NotFound`, also for one out of scope."""
    found = await repository.read_customer(work.uow, work.scope, customer_id, work.now, lock=True)
    if found is None:
        raise NotFound
    return found[0]


async def tell_changes(work: Work, key: DataKey, customer: Customer, facet: Facet, changes: list[DomainEvent]) -> Customer:
    """Count and tell changes of the facet that touch none of the file's own columns; `customer` is the file as it was locked.

    Returns the file as it now is. No change tells nothing.
    """
    if not changes:
        return customer
    await repository.bump_version(work.uow, customer.id, work.now, by=len(changes))
    changed = replace(customer, version=customer.version + len(changes), updated_at=work.now)
    await tell(work.uow, key, changed, [facet], *changes)
    return changed


async def tell(uow: UnitOfWork, key: DataKey, customer: Customer, told: Collection[Facet], *changes: DomainEvent) -> None:
    """Append the changes, the last at the file's version and those before it at the ones before, and the facets that they changed.

    Everything that the facets tell is stored already, and the customer's row is locked by this transaction.
    """
    for version, change in enumerate(changes[:-1], customer.version - len(changes) + 1):
        await outbox.append(uow, change, version=version)
    await outbox.append(uow, changes[-1], await read_snapshot(uow, key, facts_of(customer)), version=customer.version)
    await facets.tell(uow, [customer.id], told, {customer.id: key})


async def publish_anew(work: Work, keys: KeyStore, after: str | None, limit: int) -> Batch:
    """Publish the snapshots of the next customers by id, as they stand. One whose data key is gone is erased and has none.

    A customer whose snapshot cannot be made, or whose key cannot be opened, stops nobody else's, and is tried again by `publish_failed`.
    """
    ids = await repository.list_ids(work.uow, after=UUID(after) if after else None, limit=limit)
    return await _publish_each(work, ids, lambda some: _publish(work, keys, some), limit)


async def publish_facet_anew(work: Work, keys: KeyStore, facet: Facet, after: str | None, limit: int) -> Batch:
    """As `publish_anew`, of one facet."""
    ids = await repository.list_ids(work.uow, after=UUID(after) if after else None, limit=limit, having=facet)
    return await _publish_each(work, ids, lambda some: _publish_facets(work, keys, [facet], some), limit)


async def _publish_each(
    work: Work, ids: Sequence[UUID], publish: Callable[[Sequence[UUID]], Awaitable[None]], limit: int
) -> Batch:
    failed = await try_each(work.uow, ids, publish)
    await note_failed(work.uow, republication.QUEUE, failed, work.now)
    return Batch(len(ids) - len(failed), str(ids[-1]) if len(ids) == limit else None)


async def publish_failed(work: Work, keys: KeyStore, patience: Patience = USUAL) -> int:
    """Try the snapshots again that could not be published anew; returns how many were tried."""

    async def take(only: Sequence[UUID] | None) -> Sequence[UUID]:
        return await repository.take_failed(work.uow, republication.QUEUE, only, work.now)

    async def publish(some: Sequence[UUID]) -> None:
        await _publish(work, keys, some)
        await _publish_facets(work, keys, list(Facet), some)

    return await work_off(work.uow, republication.QUEUE, take, publish, key=lambda one: one, now=work.now, patience=patience)


async def _publish(work: Work, keys: KeyStore, customer_ids: Sequence[UUID]) -> None:
    data_keys = await keys.get_many(customer_ids)
    for customer_id in customer_ids:
        if key := data_keys.get(customer_id):
            customer = await lock_customer(work, customer_id)
            await outbox.append(work.uow, await read_snapshot(work.uow, key, facts_of(customer)), version=customer.version)


async def _publish_facets(work: Work, keys: KeyStore, told: Collection[Facet], customer_ids: Sequence[UUID]) -> None:
    data_keys = await keys.get_many(customer_ids) if Facet.FILE in told else {}
    await facets.tell_again(work.uow, customer_ids, told, data_keys)


def facts_of(customer: Customer) -> FileFacts:
    """What the snapshot holds of the file itself."""
    return FileFacts(
        customer_id=customer.id,
        customer_type=customer.customer_type,
        outlet_id=customer.outlet_id,
        language=customer.language,
        name=customer.name,
        birth_date=customer.birth_date,
    )
