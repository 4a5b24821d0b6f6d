"""The `guanxi-scoring` command: lists the commands, each of which lives in a module of its own."""

import typer

from scoring_svc.commands.fit_lifetime import fit_lifetime

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Models on a file of your own."
)
app.command("fit-lifetime")(fit_lifetime)


@app.callback()
def commands() -> None:
    """Models on a file of your own."""
