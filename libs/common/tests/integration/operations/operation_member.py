"""Workers that end by SIGKILL, one after the other, each at another point of a step: `operation_member.py database`; see
`test_d9_operations.py`. The exit code is how many of them ended so.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from guanxi_common.db.uow import Database, create_engine
from guanxi_common.operations import Ended, Kind, Moved, Step
from guanxi_common.operations.worker import do_next_step

ROWS, CHUNK = 60, 4
POINTS = ("within the step", "before the commit", "after the commit")
AT = 3
"""The step of this process in which the end comes."""


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def count(step: Step, *, within: Callable[[], None] = lambda: None) -> Moved | Ended:
    """Writes the next numbers into a table that takes each of them twice, if somebody writes it twice."""
    done = (step.operation.checkpoint or {}).get("done", 0)
    until = min(done + CHUNK, ROWS)
    await step.uow.driver.executemany("INSERT INTO effect VALUES ($1)", [(number,) for number in range(done + 1, until + 1)])
    within()
    return Moved({"done": until}, until, ROWS) if until < ROWS else Ended({"counted": until}, until)


async def work(point: str, url: str) -> None:
    """A worker, up to its end."""
    database, steps = Database(create_engine(url, pool_size=2)), 0

    def within() -> None:
        if point == "within the step" and steps == AT:
            end()

    kind = Kind("count", partial(count, within=within))
    while True:
        steps += 1
        async with database.transaction() as uow:
            await do_next_step(uow, database, kind, datetime.now(UTC))
            if point == "before the commit" and steps == AT:
                end()
            await uow.commit()
        if point == "after the commit" and steps == AT:
            end()


def main(url: str) -> int:
    killed = 0
    for point in POINTS:
        if not (child := os.fork()):
            asyncio.run(work(point, url))
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return killed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
