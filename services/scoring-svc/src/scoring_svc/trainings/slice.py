"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.operations import operation_jobs
from guanxi_common.slices import Slice
from guanxi_common.work import Work

from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.trainings.drift import measure_drift
from scoring_svc.trainings.jobs import training_kind
from scoring_svc.trainings.routes import trainings


def _jobs(parts: ScoringWorkerParts) -> list[Job]:
    async def drift(work: Work) -> int:
        await measure_drift(work.uow, parts.method, work.now, parts.patience)
        return 0

    return [
        *operation_jobs(parts.database, [training_kind(parts.methods.at, parts.patience)], parts.clock),
        parts.job("measure-drift", 300.0, drift),
    ]


TRAININGS: Final = Slice(routers=[trainings], jobs=_jobs)
