"""The `guanxi-scoring` command: lists the commands, each of which lives in a module of its own."""

import importlib
from importlib.util import find_spec

import typer

from scoring_svc.commands.evaluate import evaluate
from scoring_svc.commands.fit_lifetime import fit_lifetime
from scoring_svc.commands.train import train_model
from scoring_svc.commands.uplift import report_uplift

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Models on a file of your own."
)
app.command("fit-lifetime")(fit_lifetime)
app.command("train")(train_model)
app.command("uplift")(report_uplift)
app.command("evaluate")(evaluate)
if find_spec("guanxi_sandbox"):  # the Berka data come with the sandbox, which production does not have
    app.command("evaluate-signals")(importlib.import_module("scoring_svc.commands.evaluate_signals").evaluate_signals)


@app.callback()
def commands() -> None:
    """Models on a file of your own."""
