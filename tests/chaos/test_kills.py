"""R1, R2 under `kill -9`: whatever process ends at whatever point of a replay, in the end every total is that of the reference."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random, SystemRandom

import anyio
import pytest
from anyio.to_thread import run_sync
from guanxi_common.http.client import ApiError
from guanxi_sandbox.intake import in_parallel, replay
from guanxi_sandbox.state import StateFile
from guanxi_testing.bank import Bank, business_today
from guanxi_testing.deployment import CHILDREN, KAFKA, POSTMASTER, SUPERVISOR, RunningDeployment
from guanxi_testing.eventually import eventually

from tests.chaos.replay import CURRENCY, account_numbers, write_parts
from tests.chaos.totals import Books, expected, open_books
from tests.reference import berka_reference as reference

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]

KILLS = int(os.environ.get("GUANXI_CHAOS_KILLS", "9"))
"""Every process once; `make soak` kills for as long as one likes."""
COPIES = 12
BATCH = 25
DEADLINE = 180.0
LONGEST_LAG = 0.5


@pytest.fixture
def seed() -> int:
    """Set `GUANXI_CHAOS_SEED` to repeat a run as far as the machine allows."""
    return int(os.environ.get("GUANXI_CHAOS_SEED") or SystemRandom().randrange(10**6))


async def test_totals_equal_the_reference_after_kills_of_every_process(
    bank: Bank, deployment: RunningDeployment, tmp_path: Path, seed: int
) -> None:
    rng = Random(seed)
    whole, parts = write_parts(tmp_path, bank.source, business_today(), copies=COPIES, parts=KILLS, rng=rng)
    with explains(seed, deployment):
        customers = await register(bank, account_numbers(whole))
        for victim, part in zip(victims(deployment, rng), parts, strict=True):
            await replay_through_a_kill(bank, part, StateFile(tmp_path / "replay.json"), victim, rng)
        async with open_books(deployment, bank.source, customers) as books:
            await eventually(lambda: everything_arrived(books, whole), timeout=DEADLINE, every=0.5)
            tasks = await books.tasks()
            assert tasks
            assert len(set(tasks)) == len(tasks)
        for service in ("customer", "engagement", "scoring"):
            assert_audit_holds(deployment, service, tmp_path)
        assert unexplained_ends(deployment) == []


def victims(deployment: RunningDeployment, rng: Random) -> list[str]:
    """Every process at least once, then any, in random order."""
    kinds = [SUPERVISOR, POSTMASTER, *CHILDREN, *([KAFKA] if deployment.kafka else [])]
    chosen = [*kinds, *rng.choices(kinds, k=KILLS - len(kinds))]
    rng.shuffle(chosen)
    return chosen


async def register(bank: Bank, numbers: list[str]) -> dict[str, str]:
    outlet = await bank.add_outlet()
    customers: dict[str, str] = {}

    async def add(number: str) -> None:
        customers[number] = await bank.add_customer(outlet, None, number)

    await in_parallel(map(add, numbers), 8)
    await bank.open_accounts(numbers, CURRENCY)
    return customers


async def replay_through_a_kill(bank: Bank, part: Path, state: StateFile, victim: str, rng: Random) -> None:
    """Replay one part until it succeeds; at a random point of it the victim is killed, and it lives again before this returns."""
    begun, threshold = anyio.Event(), rng.random() * 0.9
    lag = rng.random() * LONGEST_LAG

    def progress(_stage: str, done: int, total: int) -> None:
        if done >= threshold * total:
            begun.set()

    async def replay_until_it_succeeds() -> None:
        async def attempt() -> bool:
            try:
                report = await replay(bank.core_banking, part, state, progress=progress, size=BATCH)
            except ApiError as error:
                raise AssertionError(f"{part.name}: {error}") from error
            return not report.rejections

        await eventually(attempt, timeout=DEADLINE, every=0.5)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(replay_until_it_succeeds)
        await begun.wait()
        # The random point: between two answers of the intake, and of what they cause in the other services.
        await anyio.sleep(lag)
        await run_sync(bank.deployment.kill, victim)
        await run_sync(bank.deployment.bring_back)


async def everything_arrived(books: Books, whole: Path) -> bool:
    by_account, by_class = expected(reference.calculate(reference.csv_rows(whole)))
    assert await books.left_over() == {"unpublished": 0, "dead": 0, "parked": 0, "dirty": 0}
    assert await books.postings() == by_account
    assert await books.ledger() == by_account
    assert await books.daily_activity() == by_class
    assert await books.tasks() == await books.signals()
    return True


def assert_audit_holds(deployment: RunningDeployment, service: str, folder: Path) -> None:
    export = folder / f"audit-{service}.jsonl"
    command = [sys.executable, "-m", "guanxi_common.cli", "verify-audit", "--log", f"{service}-svc", "--export", str(export)]
    done = subprocess.run([*command, "--database", deployment.database_url(service)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def unexplained_ends(deployment: RunningDeployment) -> list[str]:
    """The supervisor's lines of processes that ended otherwise than by a SIGKILL: a lost database or broker must end none."""
    return [line for line in deployment.said() if " ended (exit" in line and "(exit -9)" not in line]


@contextmanager
def explains(seed: int, deployment: RunningDeployment) -> Iterator[None]:
    """A failure names its seed, and shows what the processes said last."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"GUANXI_CHAOS_SEED={seed}")
        for line in deployment.said()[-40:]:
            error.add_note(line[:300])
        raise
