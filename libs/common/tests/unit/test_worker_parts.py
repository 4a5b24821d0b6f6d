"""D18: the parts of a process fail alone, whatever they raise, and are started again alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from guanxi_common import parts, process
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.erasure.replay import erasing
from guanxi_common.jobs import Job, job_part
from guanxi_common.parts import Part, PartProblem, backoff_after, health_of, running
from guanxi_common.process import Worker, Workload, api_parts
from guanxi_common.settings import ServiceSettings
from guanxi_testing.eventually import eventually
from prometheus_client import REGISTRY

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(parts, "_CHECK_SECONDS", 0.02)


class Unheard(BaseException):
    """Derived from nothing that anybody catches."""


async def cancelled_from_within() -> None:
    own = asyncio.ensure_future(asyncio.Event().wait())
    own.cancel()
    await own


async def returns() -> None:
    """End at once."""


async def group_fails() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(raising(Unheard())())
        group.create_task(asyncio.Event().wait())


def raising(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        raise error

    return work


ENDS = {
    "an error": (raising(ValueError("the row of Li Wei")), "ValueError"),
    "a problem of its own": (raising(PartProblem("no key 2025")), "PartProblem: no key 2025"),
    "a group": (raising(BaseExceptionGroup("both", [Unheard(), ValueError()])), "Unheard"),
    "a task of its own": (group_fails, "Unheard"),
    "an exit": (raising(SystemExit(3)), "SystemExit"),
    "an interrupt": (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
    "a generator's end": (raising(GeneratorExit()), "GeneratorExit"),
    "a cancellation": (raising(asyncio.CancelledError()), "EndedByItself: it was cancelled from within"),
    "a library's cancellation": (cancelled_from_within, "EndedByItself: it was cancelled from within"),
    "nothing": (returns, "EndedByItself: it returned"),
}


def part_of(name: str, work: Callable[[], Awaitable[None]], **known: object) -> tuple[Part, list[None]]:
    """A part that does the work, and its starts."""
    starts: list[None] = []

    async def begin(_part: Part, _stop: asyncio.Event) -> None:
        starts.append(None)
        await work()

    return Part(name, begin, **known), starts  # type: ignore[arg-type]  # the keywords of Part


@asynccontextmanager
async def beside(part: Part) -> AsyncIterator[Part]:
    """The part beside another one, which must run on unharmed, begun once."""
    ticks = 0

    async def tick(_part: Part, stop: asyncio.Event) -> None:
        nonlocal ticks
        begun.append(None)
        while not stop.is_set():
            ticks += 1
            await asyncio.sleep(0.001)

    begun: list[None] = []
    neighbour = Part("neighbour", tick)
    async with running([part, neighbour]):
        yield neighbour
        before = ticks
        await becomes(lambda: ticks > before)
        assert (len(begun), neighbour.report().state) == (1, "running")


async def becomes(condition: Callable[[], bool]) -> None:
    async def probe() -> bool:
        return condition()

    await eventually(probe)


@pytest.mark.parametrize(("work", "told"), ENDS.values(), ids=ENDS)
async def test_d18_a_part_that_ends_is_started_again_and_its_neighbour_does_not_notice(
    work: Callable[[], Awaitable[None]], told: str
) -> None:
    part, starts = part_of("ending", work)
    async with beside(part):
        await becomes(lambda: len(starts) >= 3)
        report = part.report()
        assert report.state in {"backing_off", "trying_again"}
        assert report.failures >= 2
        assert report.last_error == told
        document = health_of("scoring-svc", "worker", [part])
        assert document["status"] == "degraded"
        assert document["parts"][0]["name"] == "ending"
        assert (REGISTRY.get_sample_value("guanxi_part_failures_in_a_row", {"part": "ending"}) or 0) >= 2
    assert part.report().state == "stopped"


def test_the_pause_doubles_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FIRST_BACKOFF", 0.5)
    assert [backoff_after(failures) for failures in (1, 2, 3, 4, 5, 6, 7, 8, 5_000)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


async def test_a_part_that_gets_on_has_recovered() -> None:
    failures = 2

    async def work(part: Part, stop: asyncio.Event) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionError
        part.went_well()
        await stop.wait()

    part = Part("recovering", work)
    async with running([part]):
        await becomes(lambda: part.report().state == "running" and part.report().last_error is not None)
        assert part.report().failures == 0
        assert part.report().last_error == "ConnectionError"
        assert health_of("scoring-svc", "worker", [part])["status"] == "ok"


async def test_d18_however_long_it_takes_to_fail_the_failures_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that fails after minutes, a consumer whose batch ends at its deadline: time alone proves nothing."""
    monkeypatch.setattr(parts, "PROVEN_SECONDS", 0.01)

    async def work(_part: Part, _stop: asyncio.Event) -> None:
        await asyncio.sleep(0.05)
        raise ConnectionError

    part = Part("slow to fail", work)
    async with running([part]):
        await becomes(lambda: part.report().failures >= 3)
        assert not part.report().healthy


async def test_d18_what_ended_a_part_is_over_once_its_lanes_have_got_on_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    async def work(part: Part, stop: asyncio.Event) -> None:
        nonlocal tries
        tries += 1
        part.failed(ConnectionError(), source=f"lane of start {tries}")
        if tries == 1:
            raise ConnectionError
        while not stop.is_set():
            part.went_well(source=f"lane of start {tries}")
            await asyncio.sleep(0.001)

    part = Part("ended", work)
    async with running([part]):
        await becomes(lambda: tries == 2)
        await asyncio.sleep(0.05)
        assert (part.report().state, part.report().failures) == ("trying_again", 1), "it has not run for long"
        monkeypatch.setattr(parts, "PROVEN_SECONDS", 0.05)
        await becomes(lambda: part.report().state == "running")


async def test_one_lane_that_gets_on_does_not_hide_the_other_that_fails() -> None:
    async def work(part: Part, stop: asyncio.Event) -> None:
        part.failed(ConnectionError(), source="one")
        part.failed(ConnectionError(), source="one")
        part.went_well(source="two")
        await stop.wait()

    part = Part("lanes", work)
    async with running([part]):
        await becomes(lambda: part.report().failures == 2)
        assert part.report().state == "trying_again"
        part.went_well(source="one")
        assert part.report().state == "running"


async def test_a_part_that_stalls_is_cancelled_and_started_again() -> None:
    tries, hung = 0, asyncio.Event()

    async def work(part: Part, stop: asyncio.Event) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await hung.wait()
        while not stop.is_set():
            part.went_well()
            await asyncio.sleep(0.005)

    part = Part("stalling", work, stalled_after=0.2)
    async with beside(part):
        try:
            await becomes(lambda: tries == 2)
            assert part.report().last_error == "Stalled: no progress for 0.2 s"
        finally:
            hung.set()


async def test_a_stalled_part_that_cannot_be_cancelled_is_shown_and_not_doubled() -> None:
    tries, ends = 0, asyncio.Event()

    async def work(_part: Part, _stop: asyncio.Event) -> None:
        nonlocal tries
        tries += 1
        while not ends.is_set():
            try:
                await ends.wait()
            except asyncio.CancelledError:
                continue

    part = Part("stubborn", work, stalled_after=0.05)
    async with running([part]):
        await becomes(lambda: part.report().state == "stalled")
        await asyncio.sleep(0.2)  # the cancellation has been tried and ignored
        assert (tries, part.report().state) == (1, "stalled")
        ends.set()


async def test_a_part_waits_for_what_it_needs_and_says_so() -> None:
    opened = asyncio.Event()

    async def step() -> None:
        if not opened.is_set():
            raise ConnectionRefusedError

    needed, _ = part_of("topics", step, once=True)
    part, starts = part_of("consumer", asyncio.Event().wait, needs=[needed], endless=True)
    async with running([needed, part]):
        await becomes(lambda: needed.failures >= 2)
        assert (part.report().state, part.report().waits_for) == ("waiting", ["topics"])
        assert starts == []
        opened.set()
        await becomes(lambda: bool(starts))
        assert (needed.report().state, part.report().state) == ("done", "running")


async def test_a_part_finishes_what_is_under_way() -> None:
    finished = False

    async def work(_part: Part, stop: asyncio.Event) -> None:
        nonlocal finished
        await stop.wait()
        await asyncio.sleep(0.05)
        finished = True

    part = Part("careful", work)
    async with running([part]):
        await becomes(lambda: part.report().state == "running")
    assert finished


async def test_whoever_runs_the_parts_can_be_cancelled() -> None:
    part, starts = part_of("cancelled", asyncio.Event().wait)
    task = asyncio.create_task(parts.run_parts([part], asyncio.Event()))
    await becomes(lambda: bool(starts))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert part.report().state == "stopped"


async def test_d18_waiting_for_work_is_no_stall_and_standing_still_is_one() -> None:
    """For longer than it may be silent: first at rest, then in the middle of its work."""
    hangs, tries = asyncio.Event(), 0

    async def work(part: Part, stop: asyncio.Event) -> None:
        nonlocal tries
        tries += 1
        await part.rest(hangs, timeout=30)
        await (asyncio.Event().wait() if tries == 1 else stop.wait())

    part = Part("resting", work, stalled_after=0.2)
    async with running([part]):
        await becomes(lambda: tries == 1)
        await asyncio.sleep(0.5)
        assert (tries, part.report().state, part.silent_seconds()) == (1, "running", 0.0)
        assert REGISTRY.get_sample_value("guanxi_part_stalled", {"part": "resting"}) == 0
        hangs.set()
        await becomes(lambda: tries >= 2)
        assert part.report().last_error == "Stalled: no progress for 0.2 s"


class Nowhere:
    """A database whose transactions do nothing."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Nowhere"]:
        yield self

    async def commit(self) -> None:
        """There is nothing to keep."""


async def test_d18_a_job_that_hangs_is_given_up_and_runs_again() -> None:
    runs: list[None] = []

    async def run(_uow: object) -> int:
        runs.append(None)
        if len(runs) == 1:
            await asyncio.Event().wait()
        return 0

    part = job_part(Nowhere(), Job("hanging", 30, run, deadline=0.1))  # type: ignore[arg-type]  # all that a job asks of a database
    async with running([part]):
        await becomes(lambda: len(runs) == 2)
        assert part.report().last_error == "Stalled: no progress for 0.1 s"


class EngagementSettings(ServiceSettings):
    service = "engagement-svc"


async def test_d18_every_part_of_a_process_has_a_deadline_but_the_one_that_waits_for_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process.telemetry, "configure", lambda *_: None)  # the logs of the tests stay as they are
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    settings = EngagementSettings(
        database_url=url, keys_database_url=url, bus_database_url=url, data_dir=tmp_path, worker_port=1, few_partitions=True
    )
    database = Database(create_engine(url))

    async def step() -> None:
        """Of the start."""

    worker = Worker(
        settings, database, SystemClock(), Workload(needed_revision=None, subscriptions=[], jobs=[], steps={"keys": step})
    )
    watching = api_parts(settings, SystemClock(), "engagement_svc", erasing([]))["background"]
    without = {part.name for part in (*worker.parts, *watching) if part.stalled_after is None}
    assert without == {"http"}
    await database.dispose()
