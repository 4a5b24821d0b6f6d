"""What the slice offers to the processes."""

from dataclasses import replace
from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.parts import LONG_SECONDS
from guanxi_common.recovery.rebuilds import waiting_for_rebuilds
from guanxi_common.slices import Slice
from guanxi_common.work import Work

from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.runs import service
from scoring_svc.runs.routes import runs


def _jobs(parts: ScoringWorkerParts) -> list[Job]:
    async def do_runs(work: Work) -> int:
        return int(await service.work_on_run(work.uow, parts.database, parts.method, work.now))

    return [waiting_for_rebuilds(replace(parts.job("do-score-runs", 1.0, do_runs), deadline=LONG_SECONDS))]


RUNS: Final = Slice(routers=[runs], jobs=_jobs)
