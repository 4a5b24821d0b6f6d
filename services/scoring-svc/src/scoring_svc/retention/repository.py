"""The versions of the retention model at work."""

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.register import repository
from scoring_svc.register.artefacts import facts_of, load
from scoring_svc.register.policy import RETENTION, State
from scoring_svc.register.repository import ModelVersion
from scoring_svc.retention.trained import RetentionModels, TrainedRetention, predictor_of


async def read_retention_models(uow: UnitOfWork) -> RetentionModels:
    """What customers are scored by now, beside the rules."""
    in_use = await repository.read_in_use(uow, RETENTION)
    active, challenger = in_use.get(State.ACTIVE), in_use.get(State.CHALLENGER)
    return RetentionModels(
        await load_retention(uow, active) if active else None,
        await load_retention(uow, challenger) if challenger else None,
    )


async def load_retention(uow: UnitOfWork, version: ModelVersion) -> TrainedRetention:
    """The version, ready to score."""
    rhythm = predictor_of(version.training["rhythm"])
    return await load(uow, version, lambda model: TrainedRetention(*facts_of(version, model), rhythm))
