"""Review tiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.keys.store import KeyStore
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.work import Work

from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.facets.policy import Facet
from customer_svc.tiers import policy, repository
from customer_svc.tiers.events import CustomerTiered
from customer_svc.tiers.policy import TierStandard, TierState
from customer_svc.tiers.repository import TierChange

BATCH = 100


@dataclass(frozen=True, slots=True)
class TierRules:
    """The thresholds and grace in force, and the customers' data keys."""

    standard: TierStandard
    keys: KeyStore


async def review_due(work: Work, rules: TierRules, patience: Patience = USUAL) -> int:
    """Review customers whose assets have changed, else those whose grace is over; returns how many. For the job.

    Customers are locked in the order of their ids, and judged by what is durable once they are. A customer who cannot be reviewed fails
    alone (see `guanxi_common.set_aside`).
    """
    graced = work.today - timedelta(days=rules.standard.grace_days)

    async def take(only: Sequence[UUID] | None) -> list[UUID]:
        due = await repository.take_due(work.uow, BATCH, work.now, only)
        return due or await repository.below_since(work.uow, graced, BATCH, work.now, only)

    async def review(customer_ids: Sequence[UUID]) -> None:
        for customer_id in customer_ids:
            await _review(work, rules, customer_id)

    return await work_off(work.uow, repository.QUEUE, take, review, key=lambda one: one, now=work.now, patience=patience)


async def _review(work: Work, rules: TierRules, customer_id: UUID) -> None:
    uow, standard = work.uow, rules.standard
    try:
        customer = await lock_customer(work, customer_id)
    except NotFound:
        return  # erased meanwhile
    assets = (await repository.read_assets(uow, [customer_id], work.today)).get(customer_id, {})
    before = await repository.read_state(uow, work.scope, customer_id, work.now)
    known = before or TierState(None, work.today)
    state = policy.review(known, standard.reached(assets), work.today, standard)
    if state == known:
        return
    await repository.store_state(uow, customer_id, state)
    if state.tier != known.tier:
        await repository.insert_change(uow, _change(customer_id, known, state, assets, standard, work.now))
        tiered = CustomerTiered(
            customer_id=customer_id,
            tier=state.tier,
            before=known.tier,
            effective_on=state.since,
            standard_version=standard.version,
        )
        await tell_changes(work, await rules.keys.get(customer_id), customer, Facet.CLASSIFICATION, [tiered])


def _change(
    customer_id: UUID, before: TierState, state: TierState, assets: Mapping[str, int], standard: TierStandard, now: datetime
) -> TierChange:
    return TierChange(
        id=new_id(),
        customer_id=customer_id,
        tier=state.tier,
        before=before.tier,
        effective_on=state.since,
        assets=assets,
        standard_version=standard.version,
        recorded_at=now,
    )
