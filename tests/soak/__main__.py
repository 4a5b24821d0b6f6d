"""`python -m tests.soak --minutes 3 [--seed N] [--kafka]`: exit 1 and say what does not hold, if anything does not.

The seed decides the schedule and the load; the machine decides what is under way when a strike falls.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random, SystemRandom
from typing import Annotated, Final

import typer
from guanxi_common.installation import SERVICES
from guanxi_testing.bank import open_bank
from guanxi_testing.deployment import CHILDREN, KAFKA, POSTMASTER, SUPERVISOR, RunningDeployment
from guanxi_testing.kafka import LocalKafka
from rich.console import Console

from tests.chaos.test_kills import unexplained_ends
from tests.chaos.totals import open_books
from tests.soak.load import Load
from tests.soak.schedule import Strike, draw_schedule
from tests.soak.strikes import Striker, set_clock
from tests.soak.verdict import Verdict

DISK_SIZE: Final = "700m"
LIBFAKETIME: Final = [
    *sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")),
    *sorted(Path("/usr/lib").glob("faketime/libfaketime.so.1")),
]

console = Console(highlight=False)


def main(
    minutes: Annotated[float, typer.Option(help="How long the faults go on.")] = 3.0,
    seed: Annotated[int | None, typer.Option(help="Of schedule and load; drawn if not given.")] = None,
    kafka: Annotated[bool, typer.Option(help="On a real Kafka of its own, in the place of the embedded log.")] = False,
) -> None:
    """Run a deployment under load and faults, and hold it against an independent count."""
    seed = SystemRandom().randrange(10**6) if seed is None else seed
    with _folder() as (folder, disk), _deployment(folder, kafka=kafka) as (deployment, clock):
        killed = [SUPERVISOR, POSTMASTER, *CHILDREN, *([KAFKA] if kafka else [])]
        schedule = draw_schedule(
            seed,
            minutes * 60,
            killed=killed,
            paused=[POSTMASTER, *CHILDREN],
            services=list(SERVICES),
            full_disk=disk is not None,
            clock=clock is not None,
        )
        console.print(f"SEED={seed} MINUTES={minutes:g}{' KAFKA=1' if kafka else ''}: {len(schedule)} strikes")
        for strike in schedule:
            console.print(f"  {strike}")
        failures = asyncio.run(soak(deployment, schedule, seed, minutes * 60, folder, Striker(deployment, disk, clock)))
        failures += [f"NOT: processes end by SIGKILL alone: {line[:300]}" for line in unexplained_ends(deployment)]
        if failures:
            for line in deployment.said()[-20:]:
                console.print(line[:300], markup=False, style="dim")
    for failure in failures:
        console.print(failure, markup=False, style="red")
    console.print(f"SEED={seed}: {'FAILED' if failures else 'every promise kept'}")
    raise typer.Exit(1 if failures else 0)


async def soak(
    deployment: RunningDeployment, schedule: list[Strike], seed: int, seconds: float, folder: Path, striker: Striker
) -> list[str]:
    """Load and strikes for that long, then the verdict: what does not hold."""
    async with open_bank(deployment) as bank:
        load, stop = Load(bank, Random(seed)), asyncio.Event()
        await load.prepare()
        running = asyncio.create_task(load.run(stop))
        try:
            done = await _strike(striker, schedule, seconds, running)
        finally:
            stop.set()
        await running
        counted = load.acknowledged
        console.print(
            f"{done} of {len(schedule)} strikes; {counted.batches} batches ({counted.repeated} items asked for again),"
            f" {counted.contacts} contacts, {len(striker.sent)} bad records; now it must come to rest"
        )
        async with open_books(deployment, bank.source, counted.customers) as books:
            return await Verdict(deployment, books, counted, striker, folder).failures()


async def _strike(striker: Striker, schedule: list[Strike], seconds: float, load: "asyncio.Task[None]") -> int:
    """Strike after strike until the time is over; how many there were. A load that fails ends it at once."""
    began = asyncio.get_running_loop().time()
    done = 0
    for strike in schedule:
        passed = asyncio.get_running_loop().time() - began
        if passed > seconds or load.done():
            break
        await asyncio.sleep(max(0.0, strike.at - passed))
        passed = asyncio.get_running_loop().time() - began
        console.print(f"{passed:6.1f} s  now: {strike.kind} {strike.target}")
        await striker.strike(strike)
        done += 1
    return done


@contextmanager
def _deployment(folder: Path, *, kafka: bool) -> Iterator[tuple[RunningDeployment, Path | None]]:
    """The deployment, and the file that says how far off its clock is; Kafka keeps the right time."""
    library = next((path for path in LIBFAKETIME if path.is_file()), None)
    clock = folder / "clock" if library else None
    if clock is None:
        console.print("CLOCK JUMPS ARE LEFT OUT: they need libfaketime", style="yellow")
    else:
        set_clock(clock, 0)
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
    broker = LocalKafka(folder / "kafka") if kafka else None
    if broker is not None:
        broker.start()
    deployment = RunningDeployment(folder / "home", broker, environment if clock else None)
    try:
        deployment.start()
        yield deployment, clock
    finally:
        deployment.delete()
        if broker is not None:
            broker.kill()


@contextmanager
def _folder() -> Iterator[tuple[Path, Path | None]]:
    """A folder of the run's own, for root on Linux a small file system of its own, so that it can be filled up."""
    folder = Path(tempfile.mkdtemp(prefix="guanxi-soak-"))
    folder.chmod(0o755)
    mounted = (
        sys.platform == "linux" and os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", folder)
    )
    if not mounted:
        console.print("THE FULL DISK IS LEFT OUT: only root on Linux can mount a small file system", style="yellow")
    try:
        yield folder, folder if mounted else None
    finally:
        if mounted:
            _run("umount", "-l", folder)
        shutil.rmtree(folder, ignore_errors=True)


def _run(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    typer.run(main)
