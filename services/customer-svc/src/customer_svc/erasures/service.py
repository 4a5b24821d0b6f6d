"""Erase a customer. See the slice's docstring for the decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import anyio.to_thread
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.records import Erasure, ErasureList, ErasureListBroken
from guanxi_common.erasure.registry import erase_rows
from guanxi_common.erasure.replay import Erase
from guanxi_common.errors import NotFound
from guanxi_common.keys.store import KeyStore
from guanxi_common.messaging import outbox
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.principal import SYSTEM_SCOPE, AuditContext, Purpose
from guanxi_common.work import Work

from customer_svc.erasures import repository
from customer_svc.erasures.errors import AccountsOpen, ErasureListAway
from customer_svc.erasures.events import CustomerErased
from customer_svc.facets import service as facets
from customer_svc.personal_data import PERSONAL_DATA
from customer_svc.snapshots.events import CustomerSnapshot

AGAIN: Final = AuditContext("system:erasures", "eraseCustomer", Purpose.OPERATIONS, None)


@dataclass(frozen=True, slots=True)
class ErasureRules:
    """The list of erasures, and the customers' data keys."""

    listed: ErasureList
    keys: KeyStore


async def erase_customer(work: Work, rules: ErasureRules, customer_id: UUID) -> Erasure:
    """Erase the customer for good. Raises `NotFound`, `AccountsOpen`, `ErasureListAway`."""
    if await repository.lock_file(work.uow, work.scope, customer_id) is None:
        raise NotFound
    if await repository.count_open_accounts(work.uow, customer_id):
        raise AccountsOpen
    erasure = Erasure(customer_id, work.now, work.actor)
    try:
        await anyio.to_thread.run_sync(rules.listed.append, erasure)
    except (OSError, ErasureListBroken) as error:
        raise ErasureListAway from error
    await complete_erasures(work.uow, rules.keys, [erasure])
    return erasure


async def complete_erasures(uow: UnitOfWork, keys: KeyStore, erasures: Sequence[Erasure]) -> list[Erasure]:
    """Destroy the keys of customers on the list, erase their rows, and tell it, once; returns which. May be repeated."""
    erased = []
    for erasure in erasures:
        await keys.delete(erasure.customer_id)
        version = await repository.lock_file(uow, SYSTEM_SCOPE, erasure.customer_id)
        fresh = await erase_rows(uow, PERSONAL_DATA, [erasure.customer_id], erasure.erased_at)
        if fresh and version is not None:
            await repository.raise_version(uow, erasure.customer_id)
            await outbox.append(uow, CustomerErased(customer_id=erasure.customer_id), version=version + 1)
            key = str(erasure.customer_id)
            await facets.end(uow, erasure.customer_id)
            await outbox.append_tombstone(uow, CustomerSnapshot.event_type, "customer.snapshots", key, version=version + 1)
            erased.append(erasure)
    return erased


def completing(keys: KeyStore) -> Erase:
    """`complete_erasures` for an `ErasureWatch`: what a kill or a restore has undone is done again.

    It is audited as the system's doing, with the name of who had asked for it: their own entry may have gone with the transaction.
    """

    async def erase(uow: UnitOfWork, erasures: Sequence[Erasure]) -> None:
        for erasure in await complete_erasures(uow, keys, erasures):
            asked = (f"asked_by:{erasure.asked_by}",) if erasure.asked_by else ()
            await audit.record(uow, AGAIN, erasure.customer_id, ("erasure", *asked))

    return erase
