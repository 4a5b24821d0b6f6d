"""The worker's side of trainings; what only a training needs is imported when there is one, for it takes seconds."""

from datetime import datetime
from importlib import import_module

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.background import off_the_loop
from scoring_svc.models import repository
from scoring_svc.models.artefacts import RETENTION
from scoring_svc.scores.service import Method


async def do_next_training(uow: UnitOfWork, method: Method, now: datetime) -> bool:
    """Do the oldest queued training in this transaction; False if there is none. Killed in the middle, it is queued again."""
    training = await repository.take_queued_training(uow)
    if training is None:
        return False
    module = "trainer" if training.name == RETENTION else "propensity_trainer"
    trainer = await off_the_loop(uow, lambda: import_module(f"scoring_svc.models.{module}"))
    await trainer.do_training(uow, method, training, now)
    return True
