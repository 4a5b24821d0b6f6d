"""Do a book run step by step: bring the book to the day, fit and freeze over it, score it in columns, exchange it, tell what changed.

One step is one transaction. `refreshing` takes the customers whose stored score is not of this business date, in chunks. `scoring` reads
the whole book, fits, scores and exchanges it, all or nothing. `publishing` queues whom the columns cannot say everything of, and tells
of the changes in batches. A worker that is killed leaves the step to the next, as if it had not been begun.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.errors import InvalidInput, NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.messaging.failures import describe, is_transient
from guanxi_common.set_aside import work_off

from scoring_svc.background import off_the_loop
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import acts_of, history_of, rfm_columns
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.lifetime import repository as fits
from scoring_svc.lifetime.bgnbd import Predictor
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.method import Method
from scoring_svc.queues import rescoring
from scoring_svc.queues.rescoring import Dirty
from scoring_svc.retention.policy import RetentionStandard
from scoring_svc.rfm import repository as rfm
from scoring_svc.rfm.policy import RFM_WINDOW_DAYS, RfmStandard
from scoring_svc.runs import book as books
from scoring_svc.runs import exchange, publishing, repository
from scoring_svc.runs.binary_copy import days
from scoring_svc.runs.book import Book
from scoring_svc.runs.errors import NotCancellable
from scoring_svc.runs.repository import ScoreRun
from scoring_svc.runs.rows import RowWriter, news, news_rows
from scoring_svc.scorer.service import score_taken
from scoring_svc.scores.columns import ACTS
from scoring_svc.scores.in_force import ActiveModels, read_active_models
from scoring_svc.scores.versions import Versions

REFRESHED = 100
FIRST = UUID(int=0)
CHUNK = 5_000
BLOCK = 1 << 15
REPORTED = 4
"""Blocks between two looks at whether the run has been cancelled."""

log = structlog.get_logger(__name__)


class _Cancelled(Exception):
    """Somebody has cancelled the run meanwhile."""


async def request_run(uow: UnitOfWork, method: Method, as_of: date | None, requested_by: str, now: datetime) -> ScoreRun:
    """Queue a run; raises `InvalidInput` for a date to come."""
    today = method.calendar.local_date(now)
    if as_of is not None and as_of > today:
        raise InvalidInput(Text("as_of lies in the future.", "as_of 在将来。"))
    run = ScoreRun(new_id(), as_of or today, "queued", requested_by, now)
    await repository.insert_run(uow, run)
    return run


async def cancel_run(uow: UnitOfWork, run_id: UUID, now: datetime) -> ScoreRun:
    """Cancel a run that has not exchanged the book yet: nothing of it is kept but the customers brought to the day.

    Raises `NotFound`; `NotCancellable` for a run that has ended, or publishes.
    """
    cancelled = await repository.cancel_run(uow, run_id, now)
    run = await repository.read_run(uow, run_id)
    if run is None:
        raise NotFound
    if not cancelled:
        raise NotCancellable
    return run


async def work_on_run(uow: UnitOfWork, database: Database, method: Method, now: datetime) -> bool:
    """Do the next step of the run under way in this transaction; False if there is none, or another worker is at it.

    A run that cannot be done fails with its reason and leaves nothing else behind; the text of a foreign error is not kept, it may quote
    the data. `database`: for the progress, which is to be seen before the step is over.
    """
    run = await repository.take_open_run(uow)
    if run is None:
        return False
    if run.stage == repository.PUBLISHING:
        return await _publish(uow, method, run, now)
    await uow.driver.execute("SAVEPOINT run")
    try:
        await _step(uow, database, method, run, now)
    except _Cancelled:
        await uow.driver.execute("ROLLBACK TO SAVEPOINT run")
    except Exception as error:
        if is_transient(error):
            raise
        log.error("score_run_failed", run=str(run.id), error=describe(error))
        await uow.driver.execute("ROLLBACK TO SAVEPOINT run")
        await repository.finish_run(uow, run.id, "failed", {"error": describe(error)}, now)
    return True


@dataclass(frozen=True, slots=True)
class _Scoring:
    """The step that scores the book. `database`: for its progress."""

    uow: UnitOfWork
    database: Database
    method: Method
    run: ScoreRun
    now: datetime


async def _step(uow: UnitOfWork, database: Database, method: Method, run: ScoreRun, now: datetime) -> None:
    today = method.calendar.local_date(now)
    await uow.driver.execute("SET LOCAL statement_timeout = 0")
    if run.stage == "scoring":
        await _score(uow, database, method, run, now)
        return
    if run.stage == "refreshing":
        if await _refresh(uow, method, run, today, now):
            return
        await repository.begin_stage(uow, run.id, "scoring", None, now)
        return
    waiting = await rescoring.count_waiting(uow)
    await repository.begin_stage(uow, run.id, "refreshing" if waiting else "scoring", waiting or None, now)


async def _refresh(uow: UnitOfWork, method: Method, run: ScoreRun, today: date, now: datetime) -> int:
    """Bring the next customers to the day, each for itself if it must be; who fails is passed over. Returns how many were taken."""
    last = run.position or FIRST

    async def take(only: Sequence[UUID] | None) -> list[Dirty]:
        nonlocal last
        dirty = await rescoring.take_stale(uow, today, now, run.position or FIRST, REFRESHED, only)
        if dirty and only is None:
            last = dirty[-1].customer_id
        return dirty

    async def score(dirty: Sequence[Dirty]) -> None:
        await score_taken(uow, method, dirty, now)

    taken = await work_off(uow, rescoring.QUEUE, take, score, key=lambda one: one.customer_id, now=now)
    if taken:
        await repository.note_refreshed(uow, run.id, (run.rows_done or 0) + taken, last)
    return taken


async def _score(uow: UnitOfWork, database: Database, method: Method, run: ScoreRun, now: datetime) -> None:
    """The whole book in this transaction; it is locked for the exchange alone."""
    today = method.calendar.local_date(now)
    book = await exchange.read_book(uow)
    stale = int(np.count_nonzero((book.columns["as_of"] != days(today)) | (book.columns["act_age_days"] < 0)))
    passed_over = await rescoring.pass_over(uow, today, now) if stale else 0
    if stale > passed_over:
        await repository.begin_stage(uow, run.id, "refreshing", stale - passed_over, now)
        return
    await _report(database, run, 0, book.size)
    active = await read_active_models(uow)
    fitting = book if run.as_of == today else await _book_as_of(uow, method, run.as_of)
    models, result = await _fit(uow, run, fitting, active, now)
    changed = await _build(_Scoring(uow, database, method, run, now), book, models)
    await exchange.take_alone(uow)
    if not await repository.begin_stage(uow, run.id, repository.PUBLISHING, changed, now):
        raise _Cancelled
    result |= {"scored_in_columns": int(book.columns["plain"].sum()), "passed_over": passed_over}
    result |= {"scored_meanwhile": await exchange.exchange(uow) - passed_over}
    await repository.keep_result(uow, run.id, result)


async def _fit(
    uow: UnitOfWork, run: ScoreRun, book: Book, active: ActiveModels, now: datetime
) -> tuple[ActiveModels, dict[str, Any]]:
    """Fit and freeze over a book; the models that it is then scored by, and what is said of them."""
    model_id = new_id()
    start = active.predictor.parameters if active.predictor else None
    fitted = await off_the_loop(uow, partial(books.fit, book.columns, start))
    await fits.store_model(uow, model_id, fits.FittedOn(run.id, run.as_of, book.size), fitted, now)
    bounds = await off_the_loop(uow, partial(books.bounds, book, f"run-{run.id}"))
    await rfm.freeze_bands(uow, run.id, run.as_of, RFM_WINDOW_DAYS, bounds, now)
    models = replace(active, rfm_bounds={**active.rfm_bounds, **bounds})
    if isinstance(fitted, Fit):
        models = replace(models, model_id=model_id, predictor=Predictor(fitted.parameters))
    refusal = fitted.reason if isinstance(fitted, FitRefused) else None
    lifetime = {"id": str(model_id), "refusal": refusal}
    return models, {"customers": book.size, "lifetime_model": lifetime, "rfm_currencies": sorted(bounds)}


async def _build(step: _Scoring, book: Book, models: ActiveModels) -> int:
    """Build the new table and the news of it; returns how many scores have changed."""
    method, run, now = step.method, step.run, step.now
    found = await off_the_loop(step.uow, partial(books.lifetimes, book, models.predictor))
    bands = {name: method[RfmStandard].bounds_in_force(name, models.rfm_bounds) for name in book.currencies}
    version = str(Versions(method[RetentionStandard].version, models.model_id))
    writer = RowWriter(book, method.calendar.local_date(now), now, version, bands)
    changes: list[Any] = [np.empty(0, dtype=np.int64)]

    def encoded(block: slice) -> list[bytes]:
        scored = books.score(book, block, found, method[RetentionStandard], method[RfmStandard], models.rfm_bounds)
        changes.append(news(book, block, scored))
        return list(writer.rows(block, scored, found))

    async def rows() -> AsyncIterator[bytes]:
        blocks = [slice(start, min(start + BLOCK, book.size)) for start in range(0, book.size, BLOCK)]
        async for number, pieces in _one_ahead(encoded, blocks):
            for piece in pieces:
                yield piece
            if number % REPORTED == REPORTED - 1:
                await _report(step.database, run, blocks[number].stop, book.size)

    await exchange.build(step.uow, rows(), all_plain=bool(book.columns["plain"].all()))
    changed = np.concatenate(changes)
    await exchange.copy_news_in(step.uow, _each(news_rows(book, changed)))
    return int(changed.size)


async def _one_ahead(work: Callable[[slice], list[bytes]], blocks: Sequence[slice]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """What `work` makes of each block, in their order, in a thread: while one is sent, the next is made."""
    waiting = iter(blocks)
    ahead = [asyncio.create_task(asyncio.to_thread(work, block)) for block in islice(waiting, 1)]
    number = 0
    try:
        while ahead:
            pieces = await ahead.pop()
            ahead = [asyncio.create_task(asyncio.to_thread(work, block)) for block in islice(waiting, 1)]
            yield number, pieces
            number += 1
    finally:
        await asyncio.gather(*ahead, return_exceptions=True)


async def _each(pieces: Any) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _report(database: Database, run: ScoreRun, done: int, total: int) -> None:
    async with database.transaction() as uow:
        if not await repository.note_progress(uow, run.id, done, total):
            raise _Cancelled
        await uow.commit()


async def _publish(uow: UnitOfWork, method: Method, run: ScoreRun, now: datetime) -> bool:
    """The next batch of what has changed; the first also queues whom the exchange left to the single-customer path."""
    await uow.driver.execute("SET LOCAL statement_timeout = 0")
    result = dict(run.result or {})
    if "scored_one_by_one" not in result:
        await uow.driver.execute("ANALYZE score")
        result["scored_one_by_one"] = await rescoring.mark_left_over(uow, now)
        await repository.keep_result(uow, run.id, result)
    told = await publishing.publish_next(uow, method, now)
    if told:
        await repository.note_progress(uow, run.id, (run.rows_done or 0) + told, run.rows_total or 0)
    over = told == 0 and not await publishing.is_left(uow)
    if over:
        await repository.finish_run(uow, run.id, "succeeded", result, now)
    return bool(told) or over


async def _book_as_of(uow: UnitOfWork, method: Method, as_of: date) -> Book:
    """What the fit and the bands need of every customer on an earlier business date, from the daily aggregates."""
    rows = await uow.driver.fetch("SELECT DISTINCT customer_id FROM daily_activity ORDER BY customer_id")
    ids: Sequence[UUID] = [row[0] for row in rows]
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(ids), CHUNK):
        read = await ledger.read_days(uow, ids[start : start + CHUNK], until=as_of)
        found += await off_the_loop(uow, partial(_narrow, read, method, as_of))
    names = (*ACTS, *books.BANDED)
    columns: dict[str, Any] = {name: np.array([row[at + 1] for row in found], dtype=np.int64) for at, name in enumerate(names)}
    columns["currency"] = np.array([row[0].encode() for row in found], dtype="S3").view("V3")
    return books.book_of(columns)


def _narrow(read: Mapping[UUID, Sequence[DailyActivity]], method: Method, as_of: date) -> list[tuple[Any, ...]]:
    histories = (history_of(rows, method[ActivityClasses], as_of) for rows in read.values())
    return [
        (history.currency, *acts_of(history), *rfm_columns(history, RFM_WINDOW_DAYS))
        for history in histories
        if history and len(history.currency.encode()) == 3
    ]
