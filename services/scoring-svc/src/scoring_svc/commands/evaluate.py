"""`guanxi-scoring evaluate`: every model on the public data of the checkout; writes docs/evaluation.md."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from scoring_svc.commands.terminal import progress_bars, refusing_bad_files
from scoring_svc.evaluation import document, run
from scoring_svc.evaluation.sources import Sources

GATE_FAILED = 1


def evaluate(
    root: Annotated[Path, typer.Option(help="The checkout that holds the data.")] = Path(),
    out: Annotated[
        Path | None, typer.Option(help="The document to write; its json and plots lie beside it. Default docs/evaluation.md.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Seconds instead of minutes: one seed, the logistic model.")] = False,
    seeds: Annotated[int, typer.Option(min=1, max=20, help="How often random folds are drawn anew.")] = run.SEEDS,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = min(os.cpu_count() or 1, 8),
) -> None:
    """Judge every model on real data by the stated protocols and compare with the reference figures.

    Exit status 1 where a gate does not hold; the document is written all the same.
    """
    target = out or root / "docs" / "evaluation.md"
    sources = Sources.of_checkout(root)
    # Spawned, not forked: the progress bar's thread must not be copied into a worker.
    context = multiprocessing.get_context("spawn")
    with refusing_bad_files(), progress_bars() as bars, ProcessPoolExecutor(workers, mp_context=context) as pool:
        bar = bars.add_task("evaluating", total=run.fits(sources, quick, seeds))
        found = run.evaluate(
            sources,
            quick=quick,
            seeds=seeds,
            executor=pool,
            advance=lambda name: bars.update(bar, advance=1, description=name),
            done=lambda so_far: document.write(so_far, target),
        )
    typer.echo(f"{len(found.figures)} figures and {len(found.checks)} published values written to {target}.")
    for gate in found.failed:
        typer.echo(f"gate does not hold: {gate}", err=True)
    if found.failed:
        raise typer.Exit(GATE_FAILED)
