"""`python -m guanxi_testing.simulation --seeds 10000`, or `--seed N` to see one again."""

import os
from concurrent.futures import ProcessPoolExecutor
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from guanxi_testing.simulation import InvariantViolated, run_seed

CHUNK = 20


def failures_of(seeds: range) -> list[str]:
    """Run the seeds; the text of each failure."""
    failures = []
    for seed in seeds:
        try:
            run_seed(seed)
        except InvariantViolated as error:
            failures.append(str(error))
    return failures


def simulate(
    seeds: Annotated[int, typer.Option(help="How many seeds, from 0.")] = 500,
    seed: Annotated[int | None, typer.Option(help="This seed alone, with the traceback of its failure.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes.")] = os.cpu_count() or 1,
) -> None:
    """Simulate relay, broker and consumers; exit 1 and name the seeds if a promise is broken."""
    console = Console()
    if seed is not None:
        run_seed(seed)
        console.print(f"seed {seed}: every promise kept")
        return
    chunks = [range(start, min(start + CHUNK, seeds)) for start in range(0, seeds, CHUNK)]
    failures: list[str] = []
    with ProcessPoolExecutor(jobs) as pool:
        for found in track(pool.map(failures_of, chunks), "Simulating", total=len(chunks), console=console):
            failures.extend(found)
            for failure in found:
                console.print(failure, style="red")
    console.print(f"{seeds} seeds, {len(failures)} failures")
    raise typer.Exit(1 if failures else 0)


if __name__ == "__main__":
    typer.run(simulate)
