"""Tell facets of customers: raise their versions, read what the slices hold, and append it to the outbox."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.keys.store import DataKey
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.security.fields import Place, seal_json

from customer_svc.facets import repository
from customer_svc.facets.events import CustomerAgreements, CustomerBook, CustomerClassification, CustomerFile
from customer_svc.facets.parts import SEALED
from customer_svc.facets.policy import Facet
from customer_svc.facets.repository import FacetVersion

EVENTS: Final[Mapping[Facet, type[DomainEvent]]] = {
    Facet.FILE: CustomerFile,
    Facet.AGREEMENTS: CustomerAgreements,
    Facet.CLASSIFICATION: CustomerClassification,
    Facet.BOOK: CustomerBook,
}
NO_KEYS: Final[Mapping[UUID, DataKey]] = {}


async def tell(
    uow: UnitOfWork,
    customer_ids: Collection[UUID],
    facets: Collection[Facet],
    keys: Mapping[UUID, DataKey] = NO_KEYS,
) -> None:
    """Tell the facets of the customers, each at its next version, as everything stands that this transaction has stored.

    The file needs the customers' data keys. Whoever tells the same facet waits here, and reads what this transaction has stored; in
    one transaction a facet of a customer is told once. An erased customer has no facets.
    """
    await _append(uow, await repository.raise_versions(uow, customer_ids, facets), keys)


async def tell_again(
    uow: UnitOfWork,
    customer_ids: Collection[UUID],
    facets: Collection[Facet],
    keys: Mapping[UUID, DataKey] = NO_KEYS,
) -> None:
    """Tell those of the facets anew that the customers have, each at the version that it has.

    A customer whose data key is gone is being erased, and has no file any more.
    """
    versions = await repository.lock_versions(uow, customer_ids, facets)
    await _append(uow, [one for one in versions if one.facet is not Facet.FILE or one.customer_id in keys], keys)


async def end(uow: UnitOfWork, customer_id: UUID) -> None:
    """End every facet by a tombstone at its next version. The caller has locked the customer's row `FOR UPDATE`."""
    for facet, version in await repository.end_facets(uow, customer_id):
        event = EVENTS[facet]
        await outbox.append_tombstone(uow, event.event_type, event.topic, str(customer_id), version=version)


async def _append(uow: UnitOfWork, versions: Sequence[FacetVersion], keys: Mapping[UUID, DataKey]) -> None:
    contents = await repository.read_contents(uow, versions)
    events = [(_event(one, contents[one.customer_id, one.facet], keys), one.version) for one in versions]
    await outbox.append_snapshots(uow, events)


def _event(one: FacetVersion, content: Mapping[str, Any], keys: Mapping[UUID, DataKey]) -> DomainEvent:
    fields = dict(content)
    if one.facet is Facet.FILE:
        personal = {name: fields.pop(name) for name in SEALED}
        fields["sealed"] = seal_json(personal, keys[one.customer_id], Place(CustomerFile.topic, "sealed", one.customer_id))
    return EVENTS[one.facet].model_validate(fields)
