"""`evaluate-signals`: how often each kind of signal was right on the Berka data."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from guanxi_common.ids import derived_id
from guanxi_sandbox.berka import CURRENCY, FOLDER, LAST_COMPLETE_DAY, SOURCE, Transaction, read_berka

from scoring_svc.actions.uplift import Share, wilson
from scoring_svc.commands.terminal import refusing_bad_files
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity, load_activity_classes
from scoring_svc.signals.policy import Kind, SignalStandard
from scoring_svc.signals.replay import AFTER, DECLINE_PERCENT, Judged, Verdict, replay
from scoring_svc.standards import load_standards

DOCUMENT = Path("docs/evaluation/signals.md")


def evaluate_signals(
    folder: Annotated[Path, typer.Option(help="The Berka files.")] = FOLDER,
    out: Annotated[Path, typer.Option(help="The document to write.")] = DOCUMENT,
) -> None:
    """Replay the Berka data day by day and write how often each kind of signal was followed by a decline."""
    with refusing_bad_files():
        transactions = read_berka(folder).transactions
    classes, standard = load_activity_classes(), load_standards(SignalStandard, "signals")[-1]
    verdict = replay(books(transactions, classes), classes, standard, LAST_COMPLETE_DAY)
    out.parent.mkdir(parents=True, exist_ok=True)
    accounts = len({row.account_id for row in transactions})
    out.write_text(document(verdict, standard, transactions[0].booked_on, accounts, len(transactions)), "utf-8")
    typer.echo(f"{out} written")


def books(transactions: Sequence[Transaction], classes: ActivityClasses) -> Iterator[list[DailyActivity]]:
    """The daily sums of each account, as the fold makes them; an account stands for a customer."""
    rows = sorted(transactions, key=lambda row: (row.account_id, row.booked_on, classes.classify(row.code)))
    for account_id, of_account in groupby(rows, key=lambda row: row.account_id):
        customer = derived_id("account", SOURCE, str(account_id))
        yield [
            _day(customer, on, activity_class, [row.amount_minor for row in of_day])
            for (on, activity_class), of_day in groupby(of_account, key=lambda row: (row.booked_on, classes.classify(row.code)))
        ]


def _day(customer: UUID, on: date, activity_class: str, amounts: Sequence[int]) -> DailyActivity:
    credit, debit = sum(one for one in amounts if one > 0), sum(one for one in amounts if one < 0)
    return DailyActivity(customer, on, CURRENCY, activity_class, len(amounts), credit, debit)


def document(verdict: Verdict, standard: SignalStandard, first_day: date, accounts: int, rows: int) -> str:
    """The page, in Markdown."""
    lines = [
        "# How often the signals were right (S7)",
        "",
        (
            f"Written by `make evaluate-signals`. The raw Berka files, {first_day} to {LAST_COMPLETE_DAY}: {rows:,} postings of"
            f" {accounts:,} accounts, replayed day by day with standard {standard.version}; each account stands for a customer."
        ),
        "",
        (
            f"A signal counts as right if in the {AFTER.days} days after it the mean balance, or the number of the customer's own acts,"
            f" was at least {DECLINE_PERCENT} % lower than in the {AFTER.days} days up to it. Only signals with all {AFTER.days} days known"
            " are judged. The base rate asks the same of every 30th day of each account, signal or not: a signal is worth its lead over"
            " it. 95 % Wilson intervals."
        ),
        "",
        "| Signal | Raised | Judged | Balance fell | Acts fell | Either | 95 % | Over the base rate |",
        "|---|--:|--:|--:|--:|--:|---|--:|",
    ]
    base = verdict.base
    lines += [_row(kind.value, verdict.kinds.get(kind, Judged()), base) for kind in Kind]
    lines += [
        _row("*base rate*", base, base),
        "",
        (
            "Inflows are no forecast of a decline: they are listed for completeness, and their `either` is what regression to the usual"
            " level gives. `maturity_ahead` and `satisfaction_drop` rest on maturities and survey answers, which the data do not have."
            " `balance_drop` counts from the first posting: the files begin with each account's opening deposit, so the balance is exact."
        ),
        (
            "The window is short (15 months, the book still growing), a signal needs 60 days of history before it and 90 after: figures"
            " with few judged signals say little, and their intervals say how little."
        ),
        "",
    ]
    return "\n".join(lines)


def _row(name: str, counts: Judged, base: Judged) -> str:
    if not counts.judged:
        return f"| {name} | {counts.raised:,} | 0 | | | | | |"
    low, high = wilson(Share(counts.either, counts.judged))
    share, usual = counts.either / counts.judged, base.either / base.judged
    return (
        f"| {name} | {counts.raised:,} | {counts.judged:,} | {counts.balance / counts.judged:.1%} | {counts.acts / counts.judged:.1%}"
        f" | {share:.1%} | {low:.1%} – {high:.1%} | {share / usual:.2f}× |"
    )
