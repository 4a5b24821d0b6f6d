"""D9: work that outlasts its request goes on step by step, whoever is killed; it is watched, cancelled, and its effects come once."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from guanxi_common.errors import InvalidInput, NotFound, Text
from guanxi_common.operations import Ended, Kind, Moved, RowError, Step, repository, service
from guanxi_common.operations.errors import NotCancellable, NotRetryable
from guanxi_common.operations.metrics import OPERATION_STANDING, OPERATIONS_ENDED
from guanxi_common.operations.policy import MOST_ERRORS
from guanxi_common.operations.repository import Caller
from guanxi_common.operations.worker import housekeeping
from guanxi_common.security.principal import RowScope, ScopeKind

from .conftest import EVERYBODY, STARTER, Operations
from .operation_member import POINTS, ROWS, count

pytestmark = pytest.mark.anyio

MEMBER = Path(__file__).with_name("operation_member.py")
COUNT = Kind("count", count)
OTHER = "staff:0192f0c1-0000-7000-8000-000000000002"


def kind_of(step: Callable[[Step], Awaitable[Moved | Ended]], *, alone: bool = False) -> Kind:
    return Kind("made", step, alone=alone)


async def write(step: Step, number: int) -> None:
    await step.uow.driver.execute("INSERT INTO effect VALUES ($1)", number)


async def test_d9_killed_in_the_middle_it_goes_on_and_nothing_comes_twice(operations: Operations) -> None:
    started = await operations.start("count")
    member = await asyncio.create_subprocess_exec(sys.executable, str(MEMBER), operations.url)
    async with asyncio.timeout(120):
        assert await member.wait() == len(POINTS), "each worker ended by SIGKILL"
    assert (await operations.read(started.id)).state == "running"

    async def work() -> None:
        while (await operations.read(started.id)).state == "running":
            await operations.step(COUNT)

    async with asyncio.timeout(120):
        await asyncio.gather(work(), work(), work())
    assert await operations.effects() == list(range(1, ROWS + 1))
    ended = await operations.read(started.id)
    assert (ended.state, ended.rows_done, ended.rows_total, ended.result) == ("succeeded", ROWS, ROWS, {"counted": ROWS})


async def test_d9_two_workers_never_do_the_same_step(operations: Operations) -> None:
    first, second = await operations.start("made"), await operations.start("made")
    for _ in (first, second):
        operations.wait(1)
        await operations.step(kind_of(_never))
    under_way, taken = asyncio.Event(), []

    async def hold(step: Step) -> Ended:
        taken.append(step.operation.id)
        under_way.set()
        await holding.wait()
        return Ended()

    holding = asyncio.Event()
    kind = kind_of(hold)
    steps = [asyncio.create_task(operations.step(kind))]
    async with asyncio.timeout(60):
        await under_way.wait()
        under_way.clear()
        steps.append(asyncio.create_task(operations.step(kind)))
        await under_way.wait()
    assert sorted(taken) == sorted([first.id, second.id]), "each has a worker of its own"
    assert not await operations.step(kind), "a third worker finds nothing to do"
    holding.set()
    assert await asyncio.gather(*steps) == [True, True]


async def test_d9_a_kind_that_goes_alone_does_one_operation_at_a_time_in_order(operations: Operations) -> None:
    order: list[str] = []

    async def step(step: Step) -> Moved | Ended:
        order.append(str(step.operation.parameters["name"]))
        return Ended() if step.operation.checkpoint else Moved({"half": True}, 1, 2)

    for name in ("first", "second"):
        await operations.start("made", name=name)
        operations.wait(1)
    await operations.finish(kind_of(step, alone=True))
    assert order == ["first", "first", "second", "second"]
    order.clear()
    for name in ("first", "second"):
        await operations.start("made", name=name)
        operations.wait(1)
    await operations.finish(kind_of(step))
    assert order == ["first", "second", "first", "second"], "others take turns"


async def test_d9_cancelled_during_a_step_its_effects_are_undone_and_earlier_ones_stay(operations: Operations) -> None:
    started = await operations.start("made")

    async def step(step: Step) -> Moved:
        done = step.operation.rows_done
        await write(step, done)
        if done == 1:
            await operations.cancel(started.id)
        return Moved({}, done + 1, 3)

    await operations.finish(kind_of(step))
    assert await operations.effects() == [0]
    ended = await operations.read(started.id)
    assert (ended.state, ended.rows_done) == ("cancelled", 1)
    with pytest.raises(NotCancellable):
        await operations.cancel(started.id)


async def test_d9_a_long_step_shows_its_progress_and_learns_of_the_cancellation(operations: Operations) -> None:
    started = await operations.start("made")

    async def step(step: Step) -> Ended:
        await write(step, 1)
        await step.report(10, 20)
        shown = await operations.read(started.id)
        assert (shown.state, shown.rows_done, shown.rows_total) == ("running", 10, 20)
        await operations.cancel(started.id)
        await step.report(15, 20)
        raise AssertionError("a cancelled step goes on")

    await operations.finish(kind_of(step))
    assert (await operations.read(started.id)).state == "cancelled"
    assert await operations.effects() == []


async def test_d9_past_the_point_of_no_return_it_only_completes(operations: Operations) -> None:
    started = await operations.start("made")

    async def step(step: Step) -> Moved | Ended:
        if step.operation.checkpoint is None:
            return Moved({"exchanged": True}, 0, cancellable=False)
        with pytest.raises(NotCancellable):
            await operations.cancel(started.id)
        return Ended()

    await operations.finish(kind_of(step))
    assert (await operations.read(started.id)).state == "succeeded"


async def test_d9_what_a_step_refuses_ends_it_with_the_reason_in_both_languages(operations: Operations) -> None:
    started = await operations.start("made")

    async def step(step: Step) -> Ended:
        await write(step, 1)
        raise InvalidInput(Text("Nobody to fit.", "没有客户。"))

    before = OPERATIONS_ENDED.labels("made", "failed")._value.get()
    await operations.finish(kind_of(step))
    ended = await operations.read(started.id)
    assert (ended.state, ended.failure_code, ended.failure_en, ended.failure_zh) == (
        "failed", "invalid_input", "Nobody to fit.", "没有客户。",
    )  # fmt: skip
    assert await operations.effects() == []
    assert OPERATIONS_ENDED.labels("made", "failed")._value.get() == before + 1


async def test_d9_a_step_that_fails_is_tried_three_times_then_fails_and_retried_goes_on_from_its_checkpoint(
    operations: Operations,
) -> None:
    started, broken = await operations.start("made"), True

    async def step(step: Step) -> Moved | Ended:
        if step.operation.checkpoint is None:
            await write(step, 1)
            return Moved({"first": True}, 1, 2)
        await write(step, 2)
        if broken:
            await step.uow.driver.execute("SELECT 1 / 0")
        return Ended(done=2)

    kind = kind_of(step)
    await operations.finish(kind)
    assert (await operations.read(started.id)).attempts == 1
    assert not await operations.step(kind), "its time has not come"
    for seconds in (31, 121):
        operations.wait(seconds)
        await operations.finish(kind)
    failed = await operations.read(started.id)
    assert (failed.state, failed.failure_code) == ("failed", "step_failed")
    assert failed.failure_en == "A step failed 3 times: DivisionByZeroError (SQLSTATE 22012)"
    broken = False
    async with operations.database.transaction() as uow:
        await service.retry(uow, EVERYBODY, started.id, operations.now)
        await uow.commit()
    await operations.finish(kind)
    again = await operations.read(started.id)
    assert (again.state, again.rows_done, again.failure_code) == ("succeeded", 2, None)
    assert await operations.effects() == [1, 2]
    async with operations.database.transaction() as uow:
        with pytest.raises(NotRetryable):
            await service.retry(uow, EVERYBODY, started.id, operations.now)


async def test_d9_a_database_that_is_away_is_not_the_operations_failure(operations: Operations) -> None:
    started = await operations.start("made")

    async def step(_: Step) -> Ended:
        raise ConnectionResetError

    await operations.step(kind_of(step))
    with pytest.raises(ConnectionResetError):
        await operations.step(kind_of(step))
    assert (await operations.read(started.id)).attempts == 0


async def test_d9_a_step_that_always_runs_out_of_time_fails_and_the_next_operation_goes_on(operations: Operations) -> None:
    slow, quick = await operations.start("made", slow=True), await operations.start("made", slow=False)

    async def step(step: Step) -> Ended:
        if step.operation.parameters["slow"]:
            await step.uow.driver.execute("SET LOCAL statement_timeout = '20ms'")
            await step.uow.driver.execute("SELECT pg_sleep(30)")
        return Ended()

    for _ in range(3):
        await operations.finish(kind_of(step))
        operations.wait(600)
    assert (await operations.read(slow.id)).state == "failed"
    assert (await operations.read(quick.id)).state == "succeeded"


async def test_d9_rows_that_fail_are_counted_and_the_first_thousand_are_kept_bounded(operations: Operations) -> None:
    started = await operations.start("made")
    wrong = [RowError(f"line {n}\0" + "x" * 900, "c" * 900, Text("e" * 900, "错" * 900)) for n in range(700)]

    async def step(step: Step) -> Moved | Ended:
        return Ended(errors=wrong) if step.operation.checkpoint else Moved({"half": True}, 700, errors=wrong)

    await operations.finish(kind_of(step))
    assert (await operations.read(started.id)).rows_failed == 1_400
    async with operations.database.transaction(readonly=True) as uow:
        kept = await repository.list_errors(uow, started.id, None, 5_000)
    assert [error.number for error in kept] == list(range(1, MOST_ERRORS + 1))
    assert {(len(error.item), len(error.code), len(error.detail.zh)) for error in kept} == {(255, 100, 500)}


async def test_d9_started_twice_with_one_key_it_is_one_operation(operations: Operations) -> None:
    started = await asyncio.gather(*(operations.start("made", key="2026-11-28") for _ in range(5)))
    assert len({operation.id for operation in started}) == 1
    assert (await operations.start("other", key="2026-11-28")).id != started[0].id
    assert len({(await operations.start("made")).id for _ in range(2)}) == 2


async def test_d9_the_starter_and_who_may_see_all_see_it_and_nobody_else(operations: Operations) -> None:
    mine, theirs = await operations.start("made"), await operations.start("made", by=OTHER)
    for scope in (ScopeKind.OWN, ScopeKind.OUTLET):
        caller = Caller(RowScope(scope), STARTER)
        async with operations.database.transaction() as uow:
            listed = await repository.list_operations(uow, caller, state=None, kind=None, position=None, limit=9)
            assert [operation.id for operation in listed] == [mine.id]
            for forbidden in (service.read(uow, caller, theirs.id), service.cancel(uow, caller, theirs.id, operations.now)):
                with pytest.raises(NotFound):
                    await forbidden
    assert (await operations.read(theirs.id)).state == "queued"


async def test_d9_an_operation_that_stands_is_measured_and_what_ended_long_ago_goes(operations: Operations) -> None:
    standing = await operations.start("made")
    await operations.step(kind_of(_never))
    operations.wait(100)
    await operations.start("made")
    watching, purging = housekeeping(_At(operations))
    await operations.run(watching)
    assert OPERATION_STANDING.labels("made")._value.get() == 100.0, "of those under way the one that waits longest"
    await operations.cancel(standing.id)
    operations.wait(401 * 24 * 3_600)
    assert await operations.run(purging) == 1
    with pytest.raises(NotFound):
        await operations.read(standing.id)


class _At:
    """The test's time as a clock."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def now(self) -> datetime:
        return self._operations.now.astimezone(UTC)


async def _never(_: Step) -> Ended:
    raise AssertionError("no step of work is done here")
