"""`guanxi-scoring train`: a calibrated model of a yes-or-no column of a user's own CSV, judged, explained and kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table as Grid

from scoring_svc.commands.terminal import (
    progress_bars,
    read_file,
    refusing_bad_files,
    report_console,
    telling_missing_library,
)
from scoring_svc.training.artefact import save_model
from scoring_svc.training.card import card_of
from scoring_svc.training.estimators import Kind
from scoring_svc.training.metrics import Outcomes, calibration_error
from scoring_svc.training.model import Model, train
from scoring_svc.training.table import Ints, Table, binary, days, typed
from scoring_svc.training.validation import Judgement, judge_folds, judge_split, out_of_time, repeated_folds

INFLUENCE_ROWS = 2000
"""Rows on which the influence of the columns is taken; more would not move the figures."""


@dataclass(frozen=True)
class _Trained:
    model: Model
    judgements: tuple[Judgement, ...]
    influence: dict[str, float]
    table: Table


def train_model(
    file: Annotated[Path, typer.Argument(help="CSV with a header; .xz and .gz are unpacked.")],
    label: Annotated[str, typer.Option(help="The column to predict: yes or no.")],
    out: Annotated[Path, typer.Option(help="Folder of the model and its card.")],
    positive: Annotated[str | None, typer.Option(help="The label's value that means yes.")] = None,
    day: Annotated[
        str | None, typer.Option("--date", help="Column of the date, for a test on the latest quarter of rows.")
    ] = None,
    kind: Annotated[Kind, typer.Option(help="The kind of model.")] = Kind.LOGISTIC,
    categorical: Annotated[list[str] | None, typer.Option(help="A column of categories that look like numbers.")] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="A column the model may not see: ids, what is known too late.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, max=20, help="Folds of the cross-validation.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, max=20, help="How often the folds are drawn anew.")] = 1,
    explain: Annotated[int, typer.Option(min=0, help="Rows to explain, the likeliest first.")] = 3,
) -> None:
    """Train, calibrate, cross-validate; print AUC and average precision with intervals and reasons; write the model and its card."""
    with telling_missing_library(), refusing_bad_files(), progress_bars() as bars:
        raw = read_file(file, bars)
        outcome = binary(raw, label, positive=positive)
        dates = None if day is None else days(raw, day)
        hidden = [label, *([] if day is None else [day]), *(leave_out or [])]
        table = typed(raw, leave_out=hidden, categorical=categorical or [])
        found = _train(table, outcome, kind, dates, folds, seeds, bars)
        save_model(found.model, out, card_of(found.model, label, found.judgements, found.influence))
    print_report(found, explain, [raw.line(row) for row in range(table.rows)], report_console())
    typer.echo(f"\nModel and card written to {out}.")


def _train(table: Table, outcome: Outcomes, kind: Kind, dates: Ints | None, folds: int, seeds: int, bars: Progress) -> _Trained:
    """The judgements (out of time first, where there are dates), then the model on all rows."""
    bar = bars.add_task("cross-validating", total=folds * seeds + 1 + (dates is not None))
    judgements = []
    if dates is not None:
        split = out_of_time(dates)
        judgements.append(
            judge_split(table, outcome, kind, split, "out of time: trained on the earlier rows, tested on the later")
        )
        bars.advance(bar)
    splits = repeated_folds(outcome, folds=folds, seeds=range(seeds))
    judgements.append(judge_folds(table, outcome, kind, splits, advance=lambda: bars.advance(bar)))
    bars.update(bar, description="training")
    model = train(table, outcome, kind)
    bars.advance(bar)
    some = np.unique(np.linspace(0, table.rows - 1, min(table.rows, INFLUENCE_ROWS)).astype(np.int64))
    mean = np.abs(model.contributions(table.take(some))).mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    return _Trained(model, tuple(judgements), {model.encoder.names[i]: float(mean[i]) for i in order}, table)


def print_report(found: _Trained, explain: int, lines: list[int], console: Console) -> None:
    model = found.model
    console.print(
        f"{model.rows:,} rows, {model.positives:,} positive; {model.kind.value}; {len(model.encoder.names)} columns.",
        highlight=False,
    )
    for judged in found.judgements:
        grid = Grid("Figure", "Value [95 % interval]", title=f"{judged.protocol}, {judged.rows:,} rows", title_justify="left")
        grid.add_row("AUC", str(judged.auc))
        grid.add_row(f"Average precision (base rate {judged.base_rate:.3f})", str(judged.average_precision))
        grid.add_row("Brier score", f"{judged.brier:.4f}")
        grid.add_row("Expected calibration error", f"{calibration_error(judged.calibration):.4f}")
        console.print(grid)
    grid = Grid("Column", "Mean contribution, log-odds")
    for name, value in list(found.influence.items())[:10]:
        grid.add_row(escape(name), f"{value:.3f}")
    console.print(grid)
    probability = model.probability(found.table)
    rows = np.argsort(-probability, kind="stable")[:explain]
    for row, reasons in zip(rows.tolist(), model.reasons(found.table.take(rows)), strict=True):
        console.print(f"\nLine {lines[row]}: {probability[row]:.3f}", highlight=False)
        for reason in reasons:
            console.print(f"  {reason.text.en}\n  {reason.text.zh}", highlight=False, markup=False)
