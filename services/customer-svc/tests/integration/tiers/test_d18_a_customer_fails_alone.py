"""D18: a customer whose tier cannot be reviewed, and a product that cannot be told, stop nobody else."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from customer_svc.tiers import queue, repository, service
from customer_svc.tiers.policy import TierStandard, TierState
from guanxi_common.set_aside.repository import list_items, retry
from guanxi_testing.poison import mend, poison

pytestmark = pytest.mark.anyio


async def test_d18_a_customer_whose_tier_cannot_be_stored_fails_alone_and_is_reviewed_once_mended(desk: Any) -> None:
    others = sorted(uuid4() for _ in range(4))
    below = TierState("wealth", date(2020, 1, 1), date(2020, 2, 1))

    async def fill(uow: Any) -> None:
        for number, one in enumerate(others):
            await desk.add_customer(uow, one, f"other-{number}")
        await repository.store_states(uow, dict.fromkeys((*others, desk.customer), below))
        await queue.mark_due(uow, others[:2], desk.now)
        await poison(uow, "customer_tier", "customer_id", others[1])

    await desk.write(fill)

    async def review() -> int:
        return await desk.write(lambda uow: service.review_due(desk.system(uow), desk.standards[TierStandard]))

    for seconds in (0, 31, 121):
        desk.now += timedelta(seconds=seconds)
        while await review():
            pass
    [failed] = await desk.write(lambda uow: list_items(uow, set_aside_only=True, queue=None, position=None, limit=9))
    assert (failed.queue, failed.item, failed.attempts) == ("review-tier", str(others[1]), 3)
    lost = "SELECT customer_id FROM customer_tier WHERE tier IS NULL ORDER BY 1"
    assert [row[0] for row in await desk.fetch(lost)] == sorted({*others, desk.customer} - {others[1]})

    async def mended(uow: Any) -> None:
        await mend(uow)
        await retry(uow, failed.id, desk.now)

    await desk.write(mended)
    while await review():
        pass
    assert len(await desk.fetch(lost)) == 5
    assert await desk.fetch("SELECT * FROM set_aside_item") == []
