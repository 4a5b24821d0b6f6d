"""Posts intake items in parallel batches through the public API: `make replay`, and the sandbox's own transactions.

An account's items keep their order: a round of items is dealt out to lanes by account, the lanes are posted in parallel, and the next
round waits for them all. Otherwise a customer's later postings could be looked at before the earlier ones, as in a real outage of a feed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

from guanxi_common.http.client import ApiClient

from guanxi_sandbox.shift import Shift
from guanxi_sandbox.state import StateFile
from guanxi_sandbox.transactions import MAX_BATCH, IntakeItem, batches, read_dataset

TRANSACTIONS = "/v1/transactions:batchCreate"
PARALLEL_BATCHES = 4
_SHOWN_REJECTIONS = 20

Progress = Callable[[str, int, int], None]
"""Called with stage, how many of it are done, and how many there are."""


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Shows nothing."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An item that the intake refused, by its position from 0 in what was posted, with the error's code."""

    position: int
    code: str


@dataclass(slots=True)
class IntakeReport:
    """How many items got each status (created, duplicate, parked, held, rejected), and the first twenty rejections."""

    statuses: Counter[str] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)

    def add(self, positions: Sequence[int], results: Iterable[dict[str, Any]]) -> None:
        """Count the results of a batch whose items stood at `positions`."""
        for result in results:
            self.statuses[result["status"]] += 1
            if result["status"] == "rejected" and len(self.rejections) < _SHOWN_REJECTIONS:
                self.rejections.append(Rejection(positions[result["index"]], result["error"]["code"]))


async def in_parallel(jobs: Iterable[Coroutine[Any, Any, None]], limit: int) -> None:
    """Run the jobs, at most `limit` at once, drawing the next only when there is room. The first failure ends all and is raised."""
    room = asyncio.Semaphore(limit)
    try:
        async with asyncio.TaskGroup() as group:
            waiting = iter(jobs)
            while await room.acquire():
                job = next(waiting, None)
                if job is None:
                    return
                group.create_task(job).add_done_callback(lambda _: room.release())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def post_batches(
    api: ApiClient,
    path: str,
    bodies: Iterable[dict[str, Any]],
    answered: Callable[[Sequence[int], list[dict[str, Any]]], None],
    *,
    round_done: Callable[[int], None] = lambda _: None,
    size: int = MAX_BATCH,
) -> None:
    """Post items to a `:batchCreate` operation, at most `size` at once.

    `answered` gets each batch's positions from 0 and its results; `round_done` the position up to which everything is answered.
    """

    async def post(lane: Sequence[tuple[int, dict[str, Any]]]) -> None:
        for batch in batches(lane, size):
            answer = await api.post(path, {"items": [body for _, body in batch]})
            answered([position for position, _ in batch], answer["items"])

    for dealt in batches(enumerate(bodies), PARALLEL_BATCHES * size):
        await in_parallel((post(lane) for lane in _lanes(dealt)), PARALLEL_BATCHES)
        round_done(dealt[-1][0] + 1)


def _lanes(dealt: Iterable[tuple[int, dict[str, Any]]]) -> list[list[tuple[int, dict[str, Any]]]]:
    """The items by account, an account always in one lane; no lane is empty."""
    lanes: list[list[tuple[int, dict[str, Any]]]] = [[] for _ in range(PARALLEL_BATCHES)]
    for position, body in dealt:
        lanes[crc32(f"{body['source']}|{body['account_number']}".encode()) % PARALLEL_BATCHES].append((position, body))
    return [lane for lane in lanes if lane]


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The position to begin at. `keep` is told, as it grows, the position up to which every item has been answered."""

    at: int = 0
    keep: Callable[[int], None] = lambda _: None


async def post_items(
    api: ApiClient,
    items: Iterable[IntakeItem],
    total: int,
    *,
    progress: Progress = no_progress,
    bookmark: Bookmark | None = None,
    size: int = MAX_BATCH,
) -> IntakeReport:
    """Post transactions from the bookmark on; `total` is how many items there are in all. Posting again changes nothing."""
    begin = bookmark or Bookmark()
    report, done = IntakeReport(), begin.at

    def answered(positions: Sequence[int], results: list[dict[str, Any]]) -> None:
        nonlocal done
        report.add([begin.at + position for position in positions], results)
        done += len(positions)
        progress("transactions", done, total)

    progress("transactions", done, total)
    bodies = (item.body() for item in islice(items, begin.at, None))
    await post_batches(
        api, TRANSACTIONS, bodies, answered, round_done=lambda position: begin.keep(begin.at + position), size=size
    )
    return report


async def replay(
    api: ApiClient,
    dataset: Path,
    file: StateFile,
    *,
    shift: Shift | None = None,
    progress: Progress = no_progress,
    size: int = MAX_BATCH,
) -> IntakeReport:
    """Replay a CSV file of the documented form. The whole file is checked before anything is posted.

    An interrupted replay of the same file goes on where it stopped; a finished one starts anew, and finds only duplicates.
    Raises `DatasetError`, `ApiError`.
    """
    total = sum(1 for _ in read_dataset(dataset, shift))
    with dataset.open("rb") as content:
        name = f"{file_digest(content, 'sha256').hexdigest()}+{shift.weeks if shift else 0}"
    replays = file.state.replays

    def keep(position: int) -> None:
        replays[name] = position
        file.save()

    bookmark = Bookmark(replays.get(name, 0), keep)
    report = await post_items(api, read_dataset(dataset, shift), total, progress=progress, bookmark=bookmark, size=size)
    replays.pop(name, None)
    file.save()
    return report
