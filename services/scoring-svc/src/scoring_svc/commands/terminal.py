"""What the commands share: reading a user's file under a progress bar, and telling what is wrong with it in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from scoring_svc.lifetime.sufficient import InvalidHistory
from scoring_svc.training.estimators import KindUnavailable
from scoring_svc.training.table import InvalidFile, RawTable, open_text, read_raw

REFUSED = 2
"""Exit status of a command whose input cannot be used."""
REPORT_WIDTH = 110


def report_console() -> Console:
    """Where a report goes: standard output, of a fixed width where it is no terminal, so that reports can be compared."""
    console = Console()
    return console if console.is_terminal else Console(width=REPORT_WIDTH)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Bars on standard error, so that a report can be piped; they vanish when the work is done."""
    columns = (TextColumn("{task.description:>22}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield bars


def read_file(path: Path, bars: Progress) -> RawTable:
    """The cells of a CSV (also .xz or .gz). The bar counts the bytes read from disk. Raises `InvalidFile`, `OSError`."""
    with path.open("rb") as raw:
        task = bars.add_task(f"reading {path.name}", total=path.stat().st_size)
        with bars.wrap_file(raw, task_id=task) as file:
            return read_raw(open_text(file, path))


@contextmanager
def refusing_bad_files() -> Iterator[None]:
    """Tell what is wrong with the input, with line and column where there is one, and exit with `REFUSED`."""
    try:
        yield
    except (InvalidFile, InvalidHistory) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    except OSError as error:
        typer.echo(f"error: {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(REFUSED) from None


@contextmanager
def telling_missing_library() -> Iterator[None]:
    """Tell what to install where a kind of model lacks its library, and exit with `REFUSED`."""
    try:
        yield
    except KindUnavailable as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(REFUSED) from None
