"""The lifetime model and the RFM bounds that customers are scored by: those in force, or those that a stored score names."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.lifetime import repository as lifetime
from scoring_svc.lifetime.bgnbd import Predictor
from scoring_svc.retention.trained import rhythm_of
from scoring_svc.rfm import repository as rfm
from scoring_svc.rfm.policy import RfmBounds
from scoring_svc.scores.policy import Lifetime


@dataclass(frozen=True, slots=True)
class ActiveModels:
    """The active BG/NBD model and the newest quintile bounds of each currency. Immutable."""

    model_id: UUID | None
    predictor: Predictor | None
    rfm_bounds: Mapping[str, RfmBounds]

    def lifetime(self, history: CustomerHistory) -> Lifetime:
        """P(alive) and the acts to be expected; nothing without a repeat purchase, where P(alive) = 1 would say nothing."""
        rhythm = rhythm_of(self.predictor, history)
        return Lifetime(rhythm.p_alive_bp, rhythm.expected_acts)


async def read_active_models(uow: UnitOfWork) -> ActiveModels:
    """What customers are scored by now."""
    active = await lifetime.read_active(uow)
    model_id, predictor = active if active else (None, None)
    return ActiveModels(model_id, predictor, await rfm.read_newest_bounds(uow))


async def read_models_named(uow: UnitOfWork, model_id: UUID | None, run_id: UUID | None) -> ActiveModels:
    """The models that a stored score names, whether or not they are still active."""
    predictor = await lifetime.read_predictor(uow, model_id) if model_id else None
    return ActiveModels(model_id, predictor, await rfm.read_bounds_of(uow, run_id) if run_id else {})
