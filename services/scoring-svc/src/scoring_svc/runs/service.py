"""Do a book run: read the whole book as of a date, fit, freeze, have everybody scored again."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import InvalidInput, Text
from guanxi_common.ids import new_id
from guanxi_common.messaging.failures import describe, is_transient

from scoring_svc.background import off_the_loop
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.policy import DailyActivity
from scoring_svc.lifetime import bgnbd
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.lifetime.sufficient import compress
from scoring_svc.rfm.policy import RfmBounds, quintile_bounds
from scoring_svc.runs import repository
from scoring_svc.runs.repository import ScoreRun
from scoring_svc.scores import policy
from scoring_svc.scores.policy import CustomerHistory
from scoring_svc.scores.service import RFM_WINDOW_DAYS, Method

CHUNK = 5_000

log = structlog.get_logger(__name__)


async def request_run(uow: UnitOfWork, method: Method, as_of: date | None, requested_by: str, now: datetime) -> ScoreRun:
    """Queue a run; raises `InvalidInput` for a date to come."""
    today = method.calendar.local_date(now)
    if as_of is not None and as_of > today:
        raise InvalidInput(Text("as_of lies in the future.", "as_of 在将来。"))
    run = ScoreRun(new_id(), as_of or today, "queued", requested_by, now)
    await repository.insert_run(uow, run)
    return run


async def do_next_run(uow: UnitOfWork, method: Method, now: datetime) -> bool:
    """Do the oldest queued run in this transaction; False if there is none.

    A worker that is killed leaves the run queued. One that cannot be done fails with its reason and leaves nothing else behind; the
    text of a foreign error is not kept, it may quote the data.
    """
    run = await repository.take_queued_run(uow)
    if run is None:
        return False
    await uow.driver.execute("SAVEPOINT run")
    try:
        result = await _do(uow, method, run, now)
    except Exception as error:
        if is_transient(error):
            raise
        log.error("score_run_failed", run=str(run.id), error=describe(error))
        await uow.driver.execute("ROLLBACK TO SAVEPOINT run")
        await repository.finish_run(uow, run.id, "failed", {"error": describe(error)}, now)
        return True
    await repository.finish_run(uow, run.id, "succeeded", result, now)
    return True


async def _do(uow: UnitOfWork, method: Method, run: ScoreRun, now: datetime) -> dict[str, Any]:
    histories = await _read_book(uow, method, run.as_of)
    model_id = new_id()
    fitted = await off_the_loop(uow, partial(_fit, histories))
    await repository.store_model(uow, model_id, run, fitted, len(histories), now)
    bounds = _bounds(histories, run.id)
    await repository.freeze_bands(uow, run, RFM_WINDOW_DAYS, bounds, now)
    await repository.mark_book_dirty(uow, method.calendar.local_date(now), now)
    return {
        "customers": len(histories),
        "lifetime_model": {"id": str(model_id), "refusal": fitted.reason if isinstance(fitted, FitRefused) else None},
        "rfm_currencies": sorted(bounds),
    }


async def _read_book(uow: UnitOfWork, method: Method, as_of: date) -> list[CustomerHistory]:
    ids: Sequence[UUID] = [
        row[0] for row in await uow.driver.fetch("SELECT DISTINCT customer_id FROM daily_activity ORDER BY customer_id")
    ]
    histories: list[CustomerHistory] = []
    for start in range(0, len(ids), CHUNK):
        days = await ledger.read_days(uow, ids[start : start + CHUNK], until=as_of)
        histories += await off_the_loop(uow, partial(_histories, days, method, as_of))
    return histories


def _histories(days: Mapping[UUID, Sequence[DailyActivity]], method: Method, as_of: date) -> list[CustomerHistory]:
    found = (policy.history_of(rows, method.classes, as_of) for rows in days.values())
    return [history for history in found if history]


def _fit(histories: Sequence[CustomerHistory]) -> Fit[bgnbd.BgNbd] | FitRefused:
    """BG/NBD on days with an act of the customer's own: postings of a day are one purchase."""
    acting = [(list(history.acts), history.as_of) for history in histories if history.acts]
    frequency = np.array([len(days) - 1 for days, _ in acting], dtype=np.int64)
    recency = np.array([(days[-1] - days[0]).days for days, _ in acting], dtype=np.int64)
    age = np.array([(as_of - days[0]).days for days, as_of in acting], dtype=np.int64)
    return bgnbd.fit(compress(frequency, recency, age))


def _bounds(histories: Sequence[CustomerHistory], run_id: UUID) -> Mapping[str, RfmBounds]:
    by_currency: dict[str, list[tuple[int, int, int]]] = {}
    for history in histories:
        by_currency.setdefault(history.currency, []).append(policy.rfm_columns(history, RFM_WINDOW_DAYS))
    bounds: dict[str, RfmBounds] = {}
    for currency, rows in by_currency.items():
        recency, frequency, monetary = np.array(rows, dtype=np.int64).T
        if frequency.any():
            bounds[currency] = quintile_bounds(recency, frequency, monetary, f"run-{run_id}")
    return bounds
