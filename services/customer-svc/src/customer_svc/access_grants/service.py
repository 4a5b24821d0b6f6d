"""Open a customer beyond one's rows, and review it."""

from dataclasses import replace
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.keys.store import DataKey, KeyStore, NoDataKey
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.security.directory.repository import resolve_principal
from guanxi_common.security.fields import Place, seal, unseal
from guanxi_common.security.principal import Identity, PersonRequired, Principal
from guanxi_common.work import Work

from customer_svc.access_grants import policy, repository
from customer_svc.access_grants.errors import AlreadyReviewed, AlreadyVisible, OwnAccess, TooManyOpen
from customer_svc.access_grants.events import AccessGranted, AccessReviewed
from customer_svc.access_grants.metrics import OPENED, UNREVIEWED
from customer_svc.access_grants.policy import Verdict
from customer_svc.access_grants.repository import AccessGrant
from customer_svc.customers import repository as customers
from customer_svc.customers.changes import lock_customer, tell
from customer_svc.customers.repository import Customer

SEEN_BY = "customer.read"
"""The permission over whose rows break-glass goes."""


async def resolve(uow: UnitOfWork, identity: Identity) -> Principal:
    """`resolve_principal`, with the customers that are open to the caller."""
    principal = await resolve_principal(uow, identity)
    if identity.kind != "staff":
        return principal
    return replace(principal, opened=await repository.read_opened(uow, principal.id))


async def break_glass(work: Work, keys: KeyStore, customer_id: UUID, reason: str, hours: int) -> AccessGrant:
    """Open the customer to the caller, and tell it. Raises `NotFound`, `AlreadyVisible`, `TooManyOpen`, `PersonRequired`."""
    if work.caller is None:
        raise PersonRequired
    person = work.person
    await repository.lock_person(work.uow, person)
    opened = await repository.read_opened(work.uow, person, work.now)
    customer = await lock_customer(work, customer_id)
    rows = replace(work.caller.scope(SEEN_BY), opened=opened)
    if await customers.customer_is_visible(work.uow, rows, customer_id, work.now):
        raise AlreadyVisible
    if policy.has_too_many(len(opened)):
        raise TooManyOpen
    key, grant_id = await keys.get(customer_id), new_id()
    grant = AccessGrant(
        id=grant_id,
        customer_id=customer_id,
        staff_id=person,
        reason_sealed=seal(reason, key, _place(grant_id)),
        granted_at=work.now,
        ends_at=policy.ends_at(work.now, hours),
    )
    await repository.insert_grant(work.uow, grant)
    told = AccessGranted(customer_id=customer_id, grant_id=grant_id, staff_id=person, ends_at=grant.ends_at)
    await _tell(work, key, customer, told)
    work.uow.after_commit(_count)
    return grant


async def review_grant(work: Work, keys: KeyStore, grant_id: UUID, verdict: Verdict) -> AccessGrant:
    """Say whether the access was justified, once. Raises `NotFound`, `OwnAccess`, `AlreadyReviewed`, `PersonRequired`."""
    reviewer = work.person
    found = await repository.lock_grant(work.uow, work.scope, grant_id, work.now)
    if found is None:
        raise NotFound
    if not policy.may_review(reviewer, found.staff_id):
        raise OwnAccess
    if found.reviewed_at is not None:
        raise AlreadyReviewed
    reviewed = replace(found, reviewed_at=work.now, reviewed_by=reviewer, verdict=verdict.value)
    await repository.update_grant(work.uow, reviewed)
    customer = await lock_customer(work, found.customer_id)
    told = AccessReviewed(customer_id=customer.id, grant_id=grant_id, verdict=verdict.value)
    await _tell(work, await keys.get(customer.id), customer, told)
    return reviewed


async def reason_of(grant: AccessGrant, keys: KeyStore) -> str | None:
    """The reason in the clear; None once the customer's key is destroyed."""
    try:
        key = await keys.get(grant.customer_id)
    except NoDataKey:
        return None
    return unseal(grant.reason_sealed, key, _place(grant.id))


async def watch_reviews(work: Work) -> int:
    """Measure how long the oldest access has waited for its review."""
    oldest = await repository.read_oldest_pending(work.uow)
    UNREVIEWED.set((work.now - oldest).total_seconds() if oldest else 0)
    return 0


async def _tell(work: Work, key: DataKey, customer: Customer, change: DomainEvent) -> None:
    """As a change of the file that no facet of it holds."""
    await customers.bump_version(work.uow, customer.id, work.now, by=1)
    await tell(work.uow, key, replace(customer, version=customer.version + 1, updated_at=work.now), (), change)


async def _count() -> None:
    OPENED.inc()


def _place(grant_id: UUID) -> Place:
    return Place("access_grant", "reason", grant_id)
