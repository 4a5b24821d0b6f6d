"""`guanxi-scoring fit-lifetime`: every lifetime model on a CSV of purchases (customer, date, and amount if there is one)."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from scoring_svc.commands.terminal import progress_bars, read_file, refusing_bad_files, report_console
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.lifetime.report import LifetimeReport, PurchaseLog, PurchaseModel, ValueModel, models_of, report_on
from scoring_svc.lifetime.sufficient import Ints
from scoring_svc.training.table import InvalidFile, RawTable, days

MOST_MINOR = 10**15
"""No single amount may be greater, so that no sum overflows."""
STEPS = 4


def fit_lifetime(
    file: Annotated[Path, typer.Argument(help="CSV with a header; .xz and .gz are unpacked.")],
    calibration_end: Annotated[
        str, typer.Option(help="Last day of the calibration, YYYY-MM-DD. Later purchases are the hold-out.")
    ],
    customer: Annotated[str, typer.Option("--id", help="Column of the customer.")] = "id",
    day: Annotated[str, typer.Option("--date", help="Column of the date, YYYY-MM-DD or YYYYMMDD.")] = "date",
    amount: Annotated[str | None, typer.Option(help="Column of the amount; without it 'amount', if there is one.")] = None,
    decimals: Annotated[int, typer.Option(min=0, max=4, help="Decimal places of the currency.")] = 2,
) -> None:
    """Fit BG/NBD, Pareto/NBD and Gamma-Gamma on a file of purchases; print parameters, fit and hold-out prediction.

    Purchases of one customer on one day are one purchase. The time unit is the week. A fit that cannot be believed is refused with
    its reason, in English and in Chinese.
    """
    with refusing_bad_files(), progress_bars() as bars:
        end = _calibration_end(calibration_end)
        raw = read_file(file, bars)
        log = read_log(raw, customer, day, amount, decimals)
        work = bars.add_task("fitting", total=STEPS if log.amount_minor is not None else STEPS - 1)
        report = report_on(log, end=end, step=lambda name: bars.update(work, advance=1, description=f"fitting {name}"))
    print_report(report, end, decimals, report_console())


def read_log(raw: RawTable, customer: str, day: str, amount: str | None, decimals: int) -> PurchaseLog:
    """The purchases of a file; `amount` None takes the column `amount` where there is one. Raises `InvalidFile`."""
    names = raw.column(customer)
    for row, name in enumerate(names):
        if not name:
            raise InvalidFile("the customer is missing", line=raw.line(row), column=customer)
    who = np.unique(np.array(names, dtype=np.str_), return_inverse=True)[1].astype(np.int64)
    column = amount if amount is not None else ("amount" if "amount" in raw.cells else None)
    return PurchaseLog(who, days(raw, day), None if column is None else _minor_units(raw, column, decimals))


def _calibration_end(text: str) -> int:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        raise typer.BadParameter("not a date (YYYY-MM-DD)", param_hint="--calibration-end") from None


def _minor_units(raw: RawTable, column: str, decimals: int) -> Ints:
    """Exact: an amount with more decimal places than the currency has is refused, never rounded."""
    known: dict[str, int] = {}
    out = np.empty(len(raw.column(column)), dtype=np.int64)
    for row, cell in enumerate(raw.column(column)):
        if cell not in known:
            known[cell] = _minor(cell, decimals, raw.line(row), column)
        out[row] = known[cell]
    return out


def _minor(cell: str, decimals: int, line: int, column: str) -> int:
    try:
        minor = Decimal(cell).scaleb(decimals)
    except InvalidOperation:
        raise InvalidFile("not an amount", line=line, column=column) from None
    if not minor.is_finite() or abs(minor) > MOST_MINOR:
        raise InvalidFile("not an amount", line=line, column=column)
    if minor < 0:
        raise InvalidFile("a purchase is not negative; leave reversed purchases out", line=line, column=column)
    if minor != minor.to_integral_value():
        raise InvalidFile(f"more than {decimals} decimal places; see --decimals", line=line, column=column)
    return int(minor)


def print_report(report: LifetimeReport, end: int, decimals: int, console: Console) -> None:
    """The report on `console`; amounts in the file's currency, time in weeks."""
    summary, hold_out = report.summary, report.hold_out
    repeating = int(np.count_nonzero(summary.frequency))
    console.print(
        f"Calibration to {date.fromordinal(end)}: {summary.customer.size:,} customers, {repeating:,} with a repeat purchase, "
        f"{int(summary.frequency.sum()):,} repeat purchases.",
        highlight=False,
    )
    if hold_out is None:
        console.print("Hold-out: none, no purchase lies after the calibration.", highlight=False)
    else:
        value = "" if hold_out.value_minor is None else f" worth {_money(hold_out.value_minor, decimals)}"
        console.print(f"Hold-out of {hold_out.weeks:.1f} weeks: {hold_out.purchases:,} purchases{value}.", highlight=False)
    for name, model in models_of(report):
        console.print(f"\n[bold]{name}[/bold]")
        if isinstance(model, FitRefused):
            console.print(f"Refused ({model.reason}): {model.text_en}\n拒绝：{model.text_zh}", highlight=False)
        elif isinstance(model, ValueModel):
            _print_value_model(model, report, decimals, console)
        else:
            _print_purchase_model(model, report, console)


def _print_parameters(fit: Fit[Any], console: Console, minor: frozenset[str] = frozenset(), decimals: int = 0) -> None:
    table = Table("Parameter", "Estimate", "Standard error")
    errors = asdict(fit.standard_errors)
    for name, value in asdict(fit.parameters).items():
        scale = 10.0**-decimals if name in minor else 1.0
        table.add_row(name, f"{value * scale:.4f}", f"{errors[name] * scale:.4f}")
    console.print(table)
    console.print(
        f"Log-likelihood {fit.log_likelihood:.4f}; {fit.customers:,} customers; {fit.iterations} steps.", highlight=False
    )


def _print_purchase_model(model: PurchaseModel, report: LifetimeReport, console: Console) -> None:
    _print_parameters(model.fit, console)
    if model.histogram is not None:
        fit = model.histogram
        table = Table("Repeat purchases", *_classes(len(fit.observed)), title="Calibration: customers by repeat purchases")
        table.add_row("observed", *(f"{count:,}" for count in fit.observed))
        table.add_row("expected", *(f"{count:,.1f}" for count in fit.expected))
        console.print(table)
        console.print(
            f"χ² {fit.chi_square:.2f} with {fit.degrees_of_freedom} degrees of freedom, p = {fit.p_value:.3f}.", highlight=False
        )
    table = Table("By the end of", "Actual", "Expected", title="Cumulative repeat purchases")
    for point in model.curve:
        table.add_row(str(date.fromordinal(point.day)), f"{point.actual:,}", f"{point.expected:,.0f}")
    console.print(table)
    if model.by_frequency is None or report.hold_out is None or model.predicted is None:
        return
    groups = model.by_frequency
    table = Table("Repeat purchases before", *_classes(len(groups.customers)), title="Hold-out: mean purchases")
    table.add_row("customers", *(f"{count:,}" for count in groups.customers))
    table.add_row("actual", *(f"{mean:.3f}" for mean in groups.actual))
    table.add_row("expected", *(f"{mean:.3f}" for mean in groups.expected))
    console.print(table)
    console.print(f"Hold-out prediction {model.predicted:,.0f} purchases; actual {report.hold_out.purchases:,}.", highlight=False)


def _print_value_model(model: ValueModel, report: LifetimeReport, decimals: int, console: Console) -> None:
    _print_parameters(model.fit, console, frozenset({"v"}), decimals)
    if model.without_value:
        console.print(
            f"{model.without_value:,} customers whose repeat purchases are worth nothing were left out.", highlight=False
        )
    if model.predicted_minor is not None and report.hold_out is not None and report.hold_out.value_minor is not None:
        console.print(
            f"Hold-out prediction {_money(model.predicted_minor, decimals)}; actual {_money(report.hold_out.value_minor, decimals)}.",
            highlight=False,
        )
    if model.clv_minor is not None:
        console.print(
            f"Value of the next 12 months, discounted at 1 % a month: {_money(model.clv_minor, decimals)} for the whole book.",
            highlight=False,
        )


def _classes(count: int) -> list[str]:
    return [*(str(number) for number in range(count - 1)), f"{count - 1}+"]


def _money(minor: float, decimals: int) -> str:
    return f"{minor / 10**decimals:,.{decimals}f}"
