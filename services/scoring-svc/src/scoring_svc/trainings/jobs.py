"""The worker's side of trainings; what only a training needs is imported when there is one, for it takes seconds."""

from collections.abc import Callable
from datetime import datetime
from importlib import import_module

from guanxi_common.operations import Ended, Kind, Step
from guanxi_common.parts import LONG_SECONDS
from guanxi_common.set_aside import USUAL, Patience

from scoring_svc.background import off_the_loop
from scoring_svc.method import Method
from scoring_svc.register.policy import RETENTION
from scoring_svc.trainings import repository
from scoring_svc.trainings.service import KIND


def training_kind(method_at: Callable[[datetime], Method], patience: Patience = USUAL) -> Kind:
    """Trainings as operations, each by the standards in force when it begins. A training is one step: killed in the middle, it is begun
    anew by the next worker.

    One that cannot be done fails with its reason; one that fails otherwise waits, and fails in the end. It stops no other.
    """

    async def train(step: Step) -> Ended:
        training = await repository.training_of(step.uow, step.operation)
        module = "retention" if training.name == RETENTION else "propensity"
        trainer = await off_the_loop(step.uow, lambda: import_module(f"scoring_svc.trainings.{module}"))
        return Ended(await trainer.do_training(step.uow, method_at(step.now), training, step.now))

    return Kind(KIND, train, patience=patience, deadline=LONG_SECONDS)
