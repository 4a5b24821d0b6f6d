"""S6: the worker compares stored scores with a recomputation every night by itself, and its metrics endpoint tells what it found."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock

import httpx
import pytest
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database
from guanxi_common.jobs import Job, run_jobs
from guanxi_common.telemetry.worker_http import create_worker_app
from guanxi_testing.eventually import eventually
from scoring_svc.method import Method
from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.shipped import load_methods
from scoring_svc.worker import jobs

pytestmark = pytest.mark.anyio

BEFORE_TWO = datetime(1994, 3, 30, 17, 59, tzinfo=UTC)
"""01:59 on the 31st in Shanghai."""
AFTER_TWO = datetime(1994, 3, 30, 18, 1, tzinfo=UTC)
SERIES = 'guanxi_score_checks_total{{outcome="{}"}} '


@asynccontextmanager
async def night_shift(database: Database, method: Method, clock: ManualClock) -> AsyncIterator[Job]:
    """The worker's own job, run as the worker runs it; it is looked for by name, so a schedule without it fails here."""
    parts = ScoringWorkerParts(
        clock=clock,
        calendar=method.calendar,
        methods=load_methods(method.calendar),
        keys=MagicMock(),
        issuer="",
        erasures=MagicMock(),
        database=database,
    )
    [job] = [one for one in jobs(parts) if one.name == "check-scores"]
    stop = asyncio.Event()
    running = asyncio.create_task(run_jobs(database, [job], stop))
    try:
        yield job
    finally:
        stop.set()
        await running


async def exported() -> dict[str, float]:
    """What Prometheus reads of the worker."""
    transport = httpx.ASGITransport(create_worker_app("scoring-svc", []))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as http:
        lines = (await http.get("/metrics")).text.splitlines()
    return {
        outcome: float(line.rpartition(" ")[2])
        for outcome in ("equal", "different")
        for line in lines
        if line.startswith(SERIES.format(outcome))
    }


async def checks(database: Database) -> list[tuple[Any, ...]]:
    async with database.transaction(readonly=True) as uow:
        return [tuple(row) for row in await uow.driver.fetch("SELECT checked_on::text, sampled, mismatches FROM score_check")]


async def test_s6_the_comparison_runs_by_schedule_once_a_night_and_its_mismatches_are_exported(
    bank: Database, method: Method, book: Any
) -> None:
    customers = await book.mark(12)
    await book.score()
    async with bank.transaction() as uow:
        await uow.driver.execute("UPDATE score SET value_bp = value_bp + 1 WHERE customer_id = $1", min(customers))
        await uow.commit()
    before = await exported()
    assert set(before) == {"equal", "different"}, "both series stand before the first mismatch, or no increase is seen"
    clock = ManualClock(BEFORE_TWO)
    async with night_shift(bank, method, clock) as job:

        async def at_rest() -> bool:
            return not job.wake.is_set()

        await eventually(at_rest)
        assert await checks(bank) == []
        clock.set(AFTER_TWO)
        job.wake.set()
        found = await eventually(lambda: checks(bank), timeout=60)
        job.wake.set()
        await eventually(at_rest)
    assert found == await checks(bank) == [("1994-03-31", 12, 1)]
    after = await exported()
    assert (after["equal"] - before["equal"], after["different"] - before["different"]) == (11, 1)
