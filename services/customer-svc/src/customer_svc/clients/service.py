"""Let client systems in and change them: as a proposal where one gets more, else at once."""

from dataclasses import replace
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.security.directory.values import Client
from guanxi_common.work import Work

from customer_svc.clients.schemas import ClientChange, ClientRegistration
from customer_svc.directory import repository
from customer_svc.directory import service as directory
from customer_svc.directory.errors import AlreadyInDirectory
from customer_svc.directory.policy import Change
from customer_svc.proposals import policy
from customer_svc.proposals import service as proposals
from customer_svc.proposals.policy import Proposal


async def register_client(work: Work, issuer: str, registration: ClientRegistration) -> Proposal:
    """Propose a client; raises `AlreadyInDirectory`, `UnknownReference`, `ReasonRequired`."""
    await repository.lock_directory(work.uow)
    client = directory.new_client(issuer, **registration.model_dump(exclude={"reason"}))
    if await repository.read_client(work.uow, client.id):
        raise AlreadyInDirectory
    await directory.check_client(work.uow, client)
    return await proposals.propose(work, None, client, registration.reason)


async def change_client(work: Work, entry_id: UUID, change: ClientChange) -> Client | Proposal:
    """Apply a merge patch; raises `NotFound`, `StaleVersion`, `UnknownReference`, `ReasonRequired`, `Forbidden`.

    What is taken from a client is gone at its next request.
    """
    await repository.lock_directory(work.uow)
    before = await repository.read_client(work.uow, entry_id)
    if before is None:
        raise NotFound
    work.check_version(before.version)
    changes = change.model_dump(exclude_unset=True, exclude={"reason"})
    if "sources" in changes:
        changes["sources"] = tuple(sorted(set(changes["sources"])))
    client = replace(before, **changes, version=before.version + 1)
    await directory.check_client(work.uow, client)
    if policy.client_needs_two(before, client):
        return await proposals.propose(work, before, client, change.reason)
    work.demand("directory.write")  # who may only propose changes nothing alone
    await directory.store_client(work.uow, client, Change(work.person, "direct", work.now, change.reason))
    return client
