"""What the slice offers to the processes."""

from dataclasses import replace
from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.parts import LONG_SECONDS
from guanxi_common.slices import Slice
from guanxi_common.work import Work

from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.trainings.drift import measure_drift
from scoring_svc.trainings.jobs import do_next_training
from scoring_svc.trainings.routes import trainings


def _jobs(parts: ScoringWorkerParts) -> list[Job]:
    async def do_trainings(work: Work) -> int:
        return int(await do_next_training(work.uow, parts.method, work.now, parts.patience))

    async def drift(work: Work) -> int:
        await measure_drift(work.uow, parts.method, work.now, parts.patience)
        return 0

    return [
        replace(parts.job("do-model-trainings", 1.0, do_trainings), deadline=LONG_SECONDS),
        parts.job("measure-drift", 300.0, drift),
    ]


TRAININGS: Final = Slice(routers=[trainings], jobs=_jobs)
