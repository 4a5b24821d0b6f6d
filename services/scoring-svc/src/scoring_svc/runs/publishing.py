"""What a run has changed, told after the exchange: in batches, each in a transaction of its own, every customer once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.messaging.failures import describe
from guanxi_common.set_aside import try_each

from scoring_svc.method import Method
from scoring_svc.queues import planning
from scoring_svc.queues.rescoring import mark_dirty
from scoring_svc.scorer.service import updated
from scoring_svc.scores.repository import Published, read_scores

BATCH: Final = 500
_NOT_DIRTY: Final = "NOT EXISTS (SELECT FROM dirty_customer waiting WHERE waiting.customer_id = score_news.customer_id)"
LATEST: Final = timedelta(seconds=30)
"""While the relay is further behind, a run waits: news of people comes before it."""

log = structlog.get_logger(__name__)


async def publish_next(uow: UnitOfWork, method: Method, now: datetime) -> int | None:
    """Tell of the next customers, and have them planned anew; returns how many, None while the relay is behind.

    A customer whom a scorer holds or is to score is skipped: the scorer tells of the customer itself. Whom the stored score does not let
    us tell of is left to the scorer too.
    """
    if await outbox.backlog_age(uow) > LATEST:
        return None
    rows = await uow.driver.fetch(
        f"SELECT customer_id FROM score_news WHERE {_NOT_DIRTY} ORDER BY customer_id LIMIT $1 FOR UPDATE SKIP LOCKED",  # noqa: S608  # constants
        BATCH,
    )
    if not rows:
        return 0

    async def publish(customer_ids: Sequence[UUID]) -> None:
        await _publish(uow, method, customer_ids, now)

    failed = await try_each(uow, [row[0] for row in rows], publish)
    for customer_id, error in failed.items():
        log.warning("score_not_published", customer_id=str(customer_id), error=describe(error))
    await mark_dirty(uow, failed, method.calendar.local_date(now), now)
    return len(rows)


async def _publish(uow: UnitOfWork, method: Method, customer_ids: Sequence[UUID], now: datetime) -> None:
    rows = await uow.driver.fetch(
        "DELETE FROM score_news WHERE customer_id = ANY($1::uuid[]) RETURNING customer_id, band, main_reason", list(customer_ids)
    )
    told = {row[0]: Published(row[1], row[2]) for row in rows}
    events = [
        (new_id(), updated(score, told[score.customer_id]))
        for score in (await read_scores(uow, method, list(told))).values()
        if Published(score.retention.band, score.main_reason_code) != told[score.customer_id]
    ]
    await outbox.append_batch(uow, events)
    await planning.mark(uow, list(told), now)


async def is_left(uow: UnitOfWork) -> bool:
    """Whether anybody is yet to be told of by the run; of dirty customers the scorer tells."""
    return bool(await uow.driver.fetchval(f"SELECT EXISTS (SELECT FROM score_news WHERE {_NOT_DIRTY})"))  # noqa: S608  # constants
