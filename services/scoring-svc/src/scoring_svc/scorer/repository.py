"""The nightly comparisons."""

import json
from collections.abc import Sequence
from datetime import date, datetime

from guanxi_common.db.uow import UnitOfWork


async def begin_check(uow: UnitOfWork, day: date) -> bool:
    """Whether the day's comparison is still to be done, and nobody else is at it; to the end of the transaction it is the caller's."""
    mine = await uow.driver.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('score check', 0))")
    done = await uow.driver.fetchval("SELECT 1 FROM score_check WHERE checked_on = $1", day)
    return bool(mine) and done is None


async def store_check(uow: UnitOfWork, day: date, now: datetime, sampled: int, differing: Sequence[str], mismatches: int) -> None:
    await uow.driver.execute(
        "INSERT INTO score_check (checked_on, checked_at, sampled, mismatches, differing) VALUES ($1, $2, $3, $4, $5)",
        day,
        now,
        sampled,
        mismatches,
        json.dumps(differing),
    )
