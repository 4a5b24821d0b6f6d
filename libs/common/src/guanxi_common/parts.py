"""The parts of a process (relay, consumer group, job, sealer …): each fails alone and is started again alone.

Guarantees
- Whatever a part raises, and a part that ends without an error, ends nothing else: it is started again after 0.5, 1, 2 … 30 s.
- A part that makes no progress for its `stalled_after` is cancelled and started again; waiting for work (`rest`) is progress. One that
  ignores the cancellation is left as it is and reported, since a second one must not run beside it.
- `stop` ends a part in good order: what is under way is finished. An `endless` part knows no `stop` and is cancelled instead.
- `report()` is what `/healthz` shows; `guanxi_part_…` are its metrics.

What no part can contain: a `SystemExit` or `KeyboardInterrupt` raised in a task that the part started itself ends the event loop.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final, Literal

import structlog

from guanxi_common.messaging.failures import describe
from guanxi_common.telemetry import part_metrics

State = Literal["waiting", "running", "trying_again", "backing_off", "stalled", "done", "stopped"]
"""`waiting`: for the parts that it needs. `backing_off`: it failed, and `next_try` says when it starts again. `trying_again`: it runs,
and has not yet shown that the failure is over. `done`: a step of the start that is behind us."""

FIRST_BACKOFF: Final = 0.5
LONGEST_BACKOFF: Final = 30.0
PROVEN_SECONDS: Final = 60.0
"""What ended a part is over once the part has run this long again and one of its sources gets on."""
STALLED_SECONDS: Final = 180.0
"""Three times the consumer's batch deadline: a part that is merely slow is left alone."""
LONG_SECONDS: Final = 1800.0
"""For a part whose single step may go over all rows that there are."""
_CHECK_SECONDS: Final = 5.0

_log = structlog.get_logger("guanxi.parts")


class PartProblem(Exception):
    """A reason why a part does not run. Its text quotes no data, so that it may be logged and shown."""


class Stalled(PartProblem):
    """The part made no progress for too long and was cancelled."""


class EndedByItself(PartProblem):
    """The part ended without an error, before it was told to; a library may have cancelled it from within."""


@dataclass(frozen=True, slots=True)
class PartReport:
    """How a part fares. `failures` in a row; `since` when the state began; `last_error` stays after the recovery."""

    name: str
    state: State
    since: datetime
    failures: int
    last_error: str | None
    last_failed_at: datetime | None
    next_try: datetime | None
    waits_for: Sequence[str]

    @property
    def healthy(self) -> bool:
        return self.state in {"running", "done", "stopped"}


def backoff_after(failures: int) -> float:
    """Seconds before the next start after so many failures in a row."""
    return float(min(FIRST_BACKOFF * 2 ** min(failures - 1, 10), LONGEST_BACKOFF))


PartWork = Callable[["Part", asyncio.Event], Awaitable[None]]
"""What a part does until the event is set. It says when it `went_well`: nothing else ends a row of failures, however long it takes to
fail. It may tell of what `failed` too, or leave that to what it raises."""


class Part:
    """One part of a process. It starts when all that it `needs` are done.

    `once`: it is done when it returns. `progress` tells how many seconds ago it last got on, beside `went_well` and `failed`.
    `stalled_after` None: it waits for others all the time, and nobody can tell that from standing still.
    """

    def __init__(
        self,
        name: str,
        work: PartWork,
        *,
        once: bool = False,
        endless: bool = False,
        needs: Sequence["Part"] = (),
        stalled_after: float | None = STALLED_SECONDS,
        progress: Callable[[], float] | None = None,
    ) -> None:
        self.name = name
        self.once = once
        self.endless = endless
        self.needs = needs
        self.done = asyncio.Event()
        self.stalled_after = stalled_after
        self._work = work
        self._progress = progress
        self._failures: dict[object, int] = {}
        self._last_error: str | None = None
        self._failed_at: datetime | None = None
        self._failing_since: datetime | None = None
        self._next_try: datetime | None = None
        self._phase: State = "waiting"
        self._since = _now()
        self._began = self._heard = float("-inf")
        self._rests = False
        part_metrics.FAILURES.labels(name).set_function(lambda: self.failures)
        part_metrics.STALLED.labels(name).set_function(lambda: float(self.is_stalled))
        if stalled_after is not None:
            part_metrics.SILENT.labels(name).set_function(self.silent_seconds)

    @property
    def failures(self) -> int:
        """Failures in a row, of the source that has most."""
        return max(self._failures.values(), default=0)

    def failed(self, error: BaseException, *, source: object = None) -> None:
        """The part, or one `source` of its work (a lane of the relay), failed and will try again by itself."""
        if not self._failures:
            self._failing_since = _now()
        self._failures[source] = self._failures.get(source, 0) + 1
        self._last_error, self._failed_at = _describe(error), _now()
        self._heard = monotonic()
        part_metrics.FAILED.labels(self.name).inc()

    def went_well(self, *, source: object = None) -> None:
        """It got on with its work, or a source of it did: what failed there before is over."""
        self._heard = monotonic()
        failing = bool(self._failures)
        self._failures.pop(source, None)
        if self._heard - self._began > PROVEN_SECONDS:
            self._failures.pop(None, None)
        if failing and not self._failures:
            self._since = _now()
            _log.info("part_recovered", part=self.name)

    def achieve(self) -> None:
        """What others wait for is there."""
        self.done.set()

    async def rest(self, *events: asyncio.Event, timeout: float) -> None:
        """Wait for an event, or for the time at which the part looks for work again."""
        self._rests = True
        try:
            await first_of(*events, timeout=timeout)
        finally:
            self._rests, self._heard = False, monotonic()

    def silent_seconds(self) -> float:
        """How long ago the part gave its last sign of life, a failure included; 0 while it does not run, or rests."""
        if self._phase != "running" or self._rests:
            return 0.0
        unheard = monotonic() - max(self._began, self._heard)
        return min(unheard, self._progress()) if self._progress is not None else unheard

    @property
    def is_stalled(self) -> bool:
        return self.stalled_after is not None and self.silent_seconds() > self.stalled_after

    def report(self) -> PartReport:
        """The part as it is now."""
        state = self._state()
        failing = state in {"trying_again", "backing_off"}
        return PartReport(
            name=self.name,
            state=state,
            since=self._failing_since if failing and self._failing_since else self._since,
            failures=self.failures,
            last_error=self._last_error,
            last_failed_at=self._failed_at,
            next_try=self._next_try if state == "backing_off" else None,
            waits_for=[part.name for part in self.needs if not part.done.is_set()] if state == "waiting" else [],
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the part running until `stop` is set, or until it is done. Raises nothing but its own cancellation."""
        try:
            for part in self.needs:
                await first_of(part.done, stop)
            while not stop.is_set():
                self._enter("running")
                error = await self._attempt(stop)
                if stop.is_set():
                    return
                if error is None and self.once:
                    self.went_well()
                    self.achieve()
                    self._enter("done")
                    return
                await self._back_off(error or EndedByItself("it returned"), stop)
        finally:
            if self._phase != "done":
                self._enter("stopped")

    async def _attempt(self, stop: asyncio.Event) -> BaseException | None:
        """Do the work once, in a task of its own; what ended it, None where it simply returned."""
        task = asyncio.create_task(self._contained(stop), name=self.name)
        stalled = False
        try:
            stalled = await self._watch(task, stop)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            return (
                Stalled(f"no progress for {self.stalled_after:g} s") if stalled else EndedByItself("it was cancelled from within")
            )
        return task.exception() or task.result()

    async def _contained(self, stop: asyncio.Event) -> BaseException | None:
        try:
            await self._work(self, stop)
        except (SystemExit, KeyboardInterrupt) as error:  # asyncio would let these two through to the event loop
            return error
        return None

    async def _watch(self, task: "asyncio.Task[BaseException | None]", stop: asyncio.Event) -> bool:
        """Wait for the task; whether it was cancelled because it stalled.

        Two looks in a row must find it stalled: after a time in which the event loop itself stood still, every part looks so.
        """
        looks, cancelled = 0, False
        while not task.done():
            await first_of(task, None if stop.is_set() else stop, timeout=_CHECK_SECONDS)
            if stop.is_set() and self.endless:
                task.cancel()
            looks = looks + 1 if self.is_stalled else 0
            if looks == 2:
                task.cancel()
                cancelled = True
                _log.error("part_stalled", part=self.name, seconds=round(self.silent_seconds()))
        return cancelled

    async def _back_off(self, error: BaseException, stop: asyncio.Event) -> None:
        self.failed(error)
        pause = backoff_after(self.failures)
        self._next_try = _now() + timedelta(seconds=pause)
        self._enter("backing_off")
        _log.warning("part_failed", part=self.name, error=self._last_error, failures=self.failures, again_in_seconds=pause)
        await first_of(stop, timeout=pause)

    def _enter(self, phase: State) -> None:
        self._phase, self._since = phase, _now()
        if phase == "running":
            self._began = monotonic()
            # Its sources begin anew; that it ended is not over yet.
            self._failures = {None: self.failures} if self._failures else {}

    def _state(self) -> State:
        if self._phase != "running":
            return self._phase
        if self.is_stalled:
            return "stalled"
        return "trying_again" if self.failures else "running"


async def run_parts(parts: Sequence[Part], stop: asyncio.Event) -> None:
    """Run the parts until `stop` is set and each has finished what is under way."""
    running = [asyncio.create_task(part.run(stop), name=part.name) for part in parts]
    try:
        await asyncio.gather(*running, return_exceptions=True)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@asynccontextmanager
async def running(parts: Sequence[Part]) -> AsyncIterator[None]:
    """Run the parts beside the block, and stop them in good order at its end."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_parts(parts, stop))
    try:
        yield
    finally:
        stop.set()
        await task


def health_of(service: str, process: str, parts: Sequence[Part]) -> dict[str, Any]:
    """The document of `/healthz`: `status` is `ok` where every part runs, else `degraded`. See docs/guides/operations.md."""
    reports = [part.report() for part in parts]
    status = "ok" if all(report.healthy for report in reports) else "degraded"
    return {"status": status, "service": service, "process": process, "parts": [_shown(report) for report in reports]}


def _shown(report: PartReport) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(report).items()}


async def first_of(*awaited: "asyncio.Event | asyncio.Task[Any] | None", timeout: float | None = None) -> None:
    """Wait until one of the events is set or one of the tasks has ended, for at most `timeout` seconds. Raises nothing of theirs."""
    waiters = [asyncio.ensure_future(each.wait()) for each in awaited if isinstance(each, asyncio.Event)]
    tasks = [each for each in awaited if isinstance(each, asyncio.Task)]
    try:
        await asyncio.wait([*waiters, *tasks], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()


def _describe(error: BaseException) -> str:
    """What ended a part: of a group the first, since the others are mostly its consequence."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if isinstance(error, PartProblem) else describe(error)


def _now() -> datetime:
    return datetime.now(UTC)
