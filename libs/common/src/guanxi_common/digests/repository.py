"""The table of digests, and the scans."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.digests.policy import Difference, Digested

SCAN_TIMEOUT: Final = "10min"
"""One scan of a type's rows; far above what a night's scan of a large ledger needs."""

_TELL = """
INSERT INTO digest AS kept (type, told, deltas, differing) VALUES ($1, $2::jsonb, '{}', '[]')
ON CONFLICT (type) DO UPDATE SET told = EXCLUDED.told
WHERE kept.told IS NULL OR (kept.told->>'taken_at')::timestamptz < (EXCLUDED.told->>'taken_at')::timestamptz
"""
_WAITING = "SELECT type, told, deltas FROM digest WHERE told IS NOT NULL ORDER BY type FOR UPDATE SKIP LOCKED"
_KEEP = """
INSERT INTO digest AS kept (type, taken_at, until, compared_at, deltas, differing)
VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb)
ON CONFLICT (type) DO UPDATE SET told = NULL, taken_at = EXCLUDED.taken_at, until = EXCLUDED.until,
    compared_at = EXCLUDED.compared_at, deltas = EXCLUDED.deltas, differing = EXCLUDED.differing
WHERE kept.taken_at IS NULL OR kept.taken_at <= EXCLUDED.taken_at
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of the last comparison of a type; `compared_at` None: there was none yet."""

    type: str
    taken_at: datetime | None
    until: date | None
    compared_at: datetime | None
    differing: list[int]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An owner's digest that is to be compared, and the differences of the comparison before."""

    type: str
    told: Mapping[str, Any]
    deltas: Mapping[int, Difference]


async def scan(uow: UnitOfWork, digested: Digested, until: date | None) -> dict[int, int]:
    """The sums of the rows as this transaction sees them."""
    await uow.driver.execute(f"SET LOCAL statement_timeout = '{SCAN_TIMEOUT}'")
    rows = await uow.driver.fetch(digested.statement(), *([until] if digested.dated else []))
    return {row["bucket"]: int(row["sum"]) for row in rows}


async def keep_told(uow: UnitOfWork, type_: str, told: Mapping[str, Any]) -> None:
    """Keep an owner's digest for comparison; an older one is not kept."""
    await uow.driver.execute(_TELL, type_, json.dumps(told))


async def take_waiting(uow: UnitOfWork) -> list[Waiting]:
    """The digests to compare, locked."""
    rows = await uow.driver.fetch(_WAITING)
    return [
        Waiting(
            row["type"], row["told"], {int(bucket): (int(theirs), int(ours)) for bucket, (theirs, ours) in row["deltas"].items()}
        )
        for row in rows
    ]


async def keep_comparison(uow: UnitOfWork, comparison: Comparison, deltas: Mapping[int, Difference]) -> None:
    stored = json.dumps({str(bucket): [str(theirs), str(ours)] for bucket, (theirs, ours) in deltas.items()})
    values = (comparison.type, comparison.taken_at, comparison.until, comparison.compared_at)
    await uow.driver.execute(_KEEP, *values, stored, json.dumps(comparison.differing))


async def list_comparisons(uow: UnitOfWork) -> list[Comparison]:
    rows = await uow.driver.fetch("SELECT type, taken_at, until, compared_at, differing FROM digest ORDER BY type")
    return [Comparison(row["type"], row["taken_at"], row["until"], row["compared_at"], row["differing"]) for row in rows]


async def read_positions(uow: UnitOfWork, group: str) -> dict[str, int]:
    """Where the group reads on, by `<topic>[<partition>]`."""
    rows = await uow.driver.fetch("SELECT topic, partition, position FROM consumer_position WHERE consumer = $1", group)
    return {f"{row['topic']}[{row['partition']}]": row["position"] for row in rows}
