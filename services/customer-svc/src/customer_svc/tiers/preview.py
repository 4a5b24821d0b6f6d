"""What another standard of tiers would change (D6)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from guanxi_common.work import Work

from customer_svc.tiers import repository
from customer_svc.tiers.policy import TierStandard

MOST_LOOKED_AT: Final = 20_000
"""Customers; more would take longer than a call may."""
_BATCH: Final = 2_000
_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """`moves`: how many would go from what to what. `complete`: whether everybody was looked at."""

    looked_at: int
    complete: bool
    moves: Mapping[tuple[str, str], int]
    examples: tuple[UUID, ...]


async def preview_tiers(work: Work, current: TierStandard, proposed: TierStandard) -> Difference:
    """Which tiers the assets of today would reach under either standard, whatever grace there is; `none` for no tier."""
    moves: Counter[tuple[str, str]] = Counter()
    examples: list[UUID] = []
    looked_at, cursor = 0, None
    while looked_at < MOST_LOOKED_AT:
        batch = await repository.customers_after(work.uow, work.scope, work.now, cursor, _BATCH)
        assets = await repository.read_assets(work.uow, batch, work.today)
        for customer_id in batch:
            of_customer = assets.get(customer_id, {})
            move = current.reached(of_customer) or "none", proposed.reached(of_customer) or "none"
            if move[0] != move[1]:
                moves[move] += 1
                examples.append(customer_id)
        looked_at += len(batch)
        if len(batch) < _BATCH:
            return Difference(looked_at, True, moves, tuple(examples[:_NAMED]))
        cursor = batch[-1]
    return Difference(looked_at, False, moves, tuple(examples[:_NAMED]))
