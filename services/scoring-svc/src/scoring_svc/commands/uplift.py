"""`guanxi-scoring uplift`: what a randomised treatment changed in a user's own CSV, and which order finds those whom it moves."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from scoring_svc.commands.terminal import progress_bars, read_file, refusing_bad_files, report_console, telling_missing_library
from scoring_svc.training import uplift
from scoring_svc.training.estimators import Kind
from scoring_svc.training.metrics import Estimate
from scoring_svc.training.table import binary, typed


def report_uplift(
    file: Annotated[Path, typer.Argument(help="CSV with a header; .xz and .gz are unpacked.")],
    treatment: Annotated[str, typer.Option(help="Column: was the row treated? It must have been drawn at random.")],
    outcome: Annotated[str, typer.Option(help="Column: did the outcome follow?")],
    treated_value: Annotated[str | None, typer.Option(help="The treatment's value that means yes.")] = None,
    positive: Annotated[str | None, typer.Option(help="The outcome's value that means yes.")] = None,
    kind: Annotated[Kind, typer.Option(help="The kind of model.")] = Kind.LOGISTIC,
    categorical: Annotated[list[str] | None, typer.Option(help="A column of categories that look like numbers.")] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help="A column the models may not see.")] = None,
) -> None:
    """Print the effect with its interval, and by tenths what an uplift model, a response model and a one-column rule would gain."""
    with telling_missing_library(), refusing_bad_files(), progress_bars() as bars:
        raw = read_file(file, bars)
        treated, came = binary(raw, treatment, positive=treated_value), binary(raw, outcome, positive=positive)
        table = typed(raw, leave_out=(treatment, outcome, *(leave_out or [])), categorical=categorical or [])
        bar = bars.add_task("cross-validating", total=uplift.FOLDS)
        report = uplift.judge_uplift(table, treated, came, kind, advance=lambda: bars.advance(bar))
    print_report(report, report_console())


def print_report(report: uplift.UpliftReport, console: Console) -> None:
    whole = report.effect
    console.print(
        f"Treated {whole.treated_rows:,}, outcome {_share(whole.treated_share)}; untreated {whole.untreated_rows:,}, outcome "
        f"{_share(whole.untreated_share)}.\nEffect {_points(whole.difference)} percentage points [95 % interval]. It is one only if the "
        "treatment was drawn at random.",
        highlight=False,
    )
    grid = Grid("Order", "Qini, per 1,000 rows", "Over response only", "Gain of the first 3 tenths, per 1,000 rows")
    for ranking in report.rankings:
        name = f"{ranking.name} ({escape(report.rule)})" if ranking.name == uplift.ONE_COLUMN else ranking.name
        over = "–" if ranking.name == uplift.RESPONSE_ONLY else _per_thousand(ranking.over_response)
        grid.add_row(name, _per_thousand(ranking.qini), over, f"{1000 * ranking.gain[2]:.1f}")
    console.print(grid)
    for ranking in report.rankings:
        deciles = Grid("Tenth", "Treated", "Untreated", "Outcome, treated", "untreated", "Effect, points", title=ranking.name)
        for number, part in enumerate(ranking.deciles, start=1):
            deciles.add_row(
                str(number),
                f"{part.treated_rows:,.0f}",
                f"{part.untreated_rows:,.0f}",
                _share(part.treated_share),
                _share(part.untreated_share),
                _points(part.difference),
            )
        console.print(deciles)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _points(value: Estimate | None) -> str:
    return "–" if value is None else f"{100 * value.value:+.2f} [{100 * value.low:+.2f}, {100 * value.high:+.2f}]"


def _per_thousand(value: Estimate) -> str:
    return f"{1000 * value.value:+.2f} [{1000 * value.low:+.2f}, {1000 * value.high:+.2f}]"
