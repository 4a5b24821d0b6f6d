"""Review tiers."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from guanxi_common.ids import new_id
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.work import Work

from customer_svc.facets import service as facets
from customer_svc.facets.policy import Facet
from customer_svc.tiers import policy, repository
from customer_svc.tiers.policy import TierStandard, TierState
from customer_svc.tiers.repository import TierChange

BATCH = 1_000


async def review_due(work: Work, standard: TierStandard, patience: Patience = USUAL) -> int:
    """Review customers whose assets have changed, else those whose grace is over; returns how many. For the job.

    Customers are locked in the order of their ids, and judged by what is durable once they are. A customer who cannot be reviewed fails
    alone (see `guanxi_common.set_aside`).
    """
    graced = work.today - timedelta(days=standard.grace_days)

    async def take(only: Sequence[UUID] | None) -> list[UUID]:
        due = await repository.take_due(work.uow, BATCH, work.now, only)
        return due or await repository.below_since(work.uow, graced, BATCH, work.now, only)

    async def review(customer_ids: Sequence[UUID]) -> None:
        await _review(work, standard, customer_ids)

    return await work_off(work.uow, repository.QUEUE, take, review, key=lambda one: one, now=work.now, patience=patience)


async def _review(work: Work, standard: TierStandard, customer_ids: Sequence[UUID]) -> None:
    """Judge the customers together, keep what has changed, and tell the facet of those who moved: neither file nor version moves."""
    uow = work.uow
    states = await repository.lock_states(uow, customer_ids)
    assets = await repository.read_assets(uow, list(states), work.today)
    changed: dict[UUID, TierState] = {}
    moves: list[TierChange] = []
    for customer_id, state in states.items():
        owned, known = assets.get(customer_id, {}), state or TierState(None, work.today)
        reviewed = policy.review(known, standard.reached(owned), work.today, standard)
        if reviewed != known:
            changed[customer_id] = reviewed
        if reviewed.tier != known.tier:
            moves.append(_change(customer_id, known, reviewed, owned, standard, work.now))
    await repository.store_states(uow, changed)
    await repository.insert_changes(uow, moves)
    await facets.tell(uow, [move.customer_id for move in moves], [Facet.CLASSIFICATION])


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
