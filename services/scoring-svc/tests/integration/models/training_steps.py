"""Trainings as the worker does them."""

from datetime import datetime

from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.operations.worker import do_next_step
from scoring_svc.method import Method
from scoring_svc.trainings.jobs import training_kind


async def do_trainings(uow: UnitOfWork, database: Database, method: Method, now: datetime) -> bool:
    """Every step that is due; False if there was none."""
    steps, kind = 0, training_kind(lambda _: method)
    while await do_next_step(uow, database, kind, now):
        steps += 1
    return steps > 0
