"""The worker's side of trainings; what only a training needs is imported when there is one, for it takes seconds."""

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.set_aside import USUAL, Patience, work_off

from scoring_svc.background import off_the_loop
from scoring_svc.method import Method
from scoring_svc.register.policy import RETENTION
from scoring_svc.trainings import repository
from scoring_svc.trainings.repository import Training


async def do_next_training(uow: UnitOfWork, method: Method, now: datetime, patience: Patience = USUAL) -> bool:
    """Do the oldest queued training in this transaction; False if there is none. Killed in the middle, it is queued again.

    One that fails does not stop those behind it: it waits, and is set aside in the end (see `guanxi_common.set_aside`).
    """

    async def take(_: Sequence[UUID] | None) -> list[Training]:
        training = await repository.take_queued_training(uow, now)
        return [training] if training else []

    async def train(trainings: Sequence[Training]) -> None:
        [training] = trainings
        module = "retention" if training.name == RETENTION else "propensity"
        trainer = await off_the_loop(uow, lambda: import_module(f"scoring_svc.trainings.{module}"))
        await trainer.do_training(uow, method, training, now)

    queue = repository.TRAINING_QUEUE
    return bool(await work_off(uow, queue, take, train, key=lambda one: one.id, now=now, patience=patience))
