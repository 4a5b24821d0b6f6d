"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.recovery.rebuilds import waiting_for_rebuilds
from guanxi_common.slices import Slice
from guanxi_common.work import Work

from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.scorer.checks import check_scores
from scoring_svc.scorer.service import queue_due_postings, queue_settled_customers, score_dirty_customers


def _jobs(parts: ScoringWorkerParts) -> list[Job]:
    async def score_dirty(work: Work) -> int:
        return await score_dirty_customers(work.uow, parts.method, work.now, parts.patience)

    async def queue_settled(work: Work) -> int:
        return await queue_settled_customers(work.uow, parts.method, work.now)

    async def queue_due(work: Work) -> int:
        return await queue_due_postings(work.uow, parts.method, work.now)

    async def check(work: Work) -> int:
        await check_scores(work.uow, parts.method, work.now)
        return 0

    return [
        waiting_for_rebuilds(parts.job("score-dirty-customers", 0.5, score_dirty, parts.scorer)),
        parts.job("queue-settled-customers", 5.0, queue_settled),
        parts.job("queue-due-postings", 5.0, queue_due),
        parts.job("check-scores", 300.0, check),
    ]


SCORER: Final = Slice(jobs=_jobs)
