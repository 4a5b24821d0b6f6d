"""Review tiers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.keys.store import KeyStore
from guanxi_common.security.principal import SYSTEM_SCOPE
from guanxi_common.set_aside import USUAL, Patience, work_off

from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.facets.policy import Facet
from customer_svc.tiers import policy, repository
from customer_svc.tiers.events import CustomerTiered
from customer_svc.tiers.policy import TierStandard, TierState
from customer_svc.tiers.repository import TierChange

BATCH = 100


async def review_due(
    uow: UnitOfWork,
    keys: KeyStore,
    calendar: BusinessCalendar,
    standard: TierStandard,
    now: datetime,
    patience: Patience = USUAL,
) -> int:
    """Review customers whose assets have changed, else those whose grace is over; returns how many. For the job.

    Customers are locked in the order of their ids, and judged by what is durable once they are. A customer who cannot be reviewed fails
    alone (see `guanxi_common.set_aside`).
    """
    today = calendar.local_date(now)
    graced = today - timedelta(days=standard.grace_days)

    async def take(only: Sequence[UUID] | None) -> list[UUID]:
        due = await repository.take_due(uow, BATCH, now, only)
        return due or await repository.below_since(uow, graced, BATCH, now, only)

    async def review(customer_ids: Sequence[UUID]) -> None:
        for customer_id in customer_ids:
            await _review(uow, keys, standard, customer_id, today, now)

    return await work_off(uow, repository.QUEUE, take, review, key=lambda one: one, now=now, patience=patience)


async def _review(uow: UnitOfWork, keys: KeyStore, standard: TierStandard, customer_id: UUID, today: date, now: datetime) -> None:
    try:
        customer = await lock_customer(uow, SYSTEM_SCOPE, customer_id, now)
    except NotFound:
        return  # erased meanwhile
    assets = (await repository.read_assets(uow, [customer_id], today)).get(customer_id, {})
    before = await repository.read_state(uow, SYSTEM_SCOPE, customer_id, now)
    known = before or TierState(None, today)
    state = policy.review(known, standard.reached(assets), today, standard)
    if state == known:
        return
    await repository.store_state(uow, customer_id, state)
    if state.tier != known.tier:
        await repository.insert_change(uow, _change(customer_id, known, state, assets, standard, now))
        tiered = CustomerTiered(
            customer_id=customer_id,
            tier=state.tier,
            before=known.tier,
            effective_on=state.since,
            standard_version=standard.version,
        )
        await tell_changes(uow, await keys.get(customer_id), customer, Facet.CLASSIFICATION, [tiered], now)


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
