"""The commands `load-sandbox` and `replay`, against services that are running with the local issuer."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import anyio
import typer
from guanxi_common.cli import Commands
from guanxi_common.clock import SystemClock
from guanxi_common.http.client import ApiClient, ApiError, open_http
from guanxi_common.security.issuer import LocalIssuer
from rich.console import Console

from guanxi_sandbox.berka import FOLDER, read_berka
from guanxi_sandbox.console import progress_bars
from guanxi_sandbox.intake import IntakeReport, replay
from guanxi_sandbox.loader import CORE_BANKING, SOURCES, Callers, LoadReport, allow_sources, load_sandbox
from guanxi_sandbox.state import StateFile
from guanxi_sandbox.transactions import DatasetError, read_dataset
from guanxi_sandbox.welcome import show_welcome

PRESIDENT = "president"
COMPLIANCE = "compliance"
"""The two founders (D19): head office and compliance officer, in the directory before the sandbox is loaded."""


CustomerUrl = Annotated[str, typer.Option(envvar="GUANXI_CUSTOMER_URL", help="Where customer-svc answers.")]
Home = Annotated[Path, typer.Option(envvar="GUANXI_HOME", help="Where `run` keeps its data and secrets.")]


def load_sandbox_command(
    customer_url: CustomerUrl = "http://127.0.0.1:8101",
    engagement_url: Annotated[str, typer.Option(envvar="GUANXI_ENGAGEMENT_URL")] = "http://127.0.0.1:8102",
    scoring_url: Annotated[str, typer.Option(envvar="GUANXI_SCORING_URL")] = "http://127.0.0.1:8103",
    home: Home = Path(".guanxi"),
    zone: Annotated[str, typer.Option(envvar="GUANXI_BUSINESS_ZONE")] = "Asia/Shanghai",
) -> None:
    """Load the sandbox's bank through the public API, unless that was done before, and show where to begin."""
    urls = {"customer": customer_url, "engagement": engagement_url, "scoring": scoring_url}

    async def load_and_show() -> None:
        report = await load_into(customer_url, home, ZoneInfo(zone))
        issuer = LocalIssuer(home / "issuer", SystemClock())
        await show_welcome(urls, issuer, Console(), loaded_before=report.transactions is None)

    anyio.run(load_and_show)


def replay_command(
    dataset: Annotated[Path, typer.Argument(help="A CSV file as docs/guides/replay.md describes it.")],
    shift: Annotated[bool, typer.Option("--shift", help="Move the dates as the sandbox's are.")] = False,
    customer_url: CustomerUrl = "http://127.0.0.1:8101",
    home: Home = Path(".guanxi"),
) -> None:
    """Replay a file of postings through the public intake; a second replay changes nothing."""

    async def replay_file() -> IntakeReport:
        return await replay_into(customer_url, home, dataset, shift=shift)

    try:
        report = anyio.run(replay_file)
    except (DatasetError, ApiError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for status, count in sorted(report.statuses.items()):
        typer.echo(f"{status:<10} {count}")
    for rejection in report.rejections:
        typer.echo(f"rejected: {rejection}", err=True)


COMMANDS: Final[Commands] = {"load-sandbox": load_sandbox_command, "replay": replay_command}


async def load_into(customer_url: str, home: Path, zone: ZoneInfo, folder: Path = FOLDER) -> LoadReport:
    """Load the sandbox into the customer-svc at `customer_url`; `home` is `.guanxi`.

    Raises `ApiError`, `SandboxRejected`, `FileNotFoundError`.
    """
    issuer = LocalIssuer(home / "issuer", SystemClock())
    async with open_http(customer_url) as http:
        with progress_bars() as progress:
            callers = Callers(
                ApiClient(http, issuer.issue(PRESIDENT)),
                ApiClient(http, issuer.issue(COMPLIANCE)),
                ApiClient(http, issuer.issue(CORE_BANKING, kind="client")),
            )
            return await load_sandbox(
                callers,
                read_berka(folder),
                StateFile(home / "sandbox.json"),
                datetime.now(zone).date(),
                progress=progress,
            )


async def replay_into(customer_url: str, home: Path, dataset: Path, *, shift: bool = False) -> IntakeReport:
    """Replay a CSV file as core banking, which is first allowed the file's sources; with `shift`, its dates moved as the sandbox's are
    (nought before a load).

    Raises `DatasetError`, `ApiError`.
    """
    issuer = LocalIssuer(home / "issuer", SystemClock())
    file = StateFile(home / "sandbox.json")
    async with open_http(customer_url) as http:
        with progress_bars() as progress:
            president, compliance = (ApiClient(http, issuer.issue(subject)) for subject in (PRESIDENT, COMPLIANCE))
            if sources := {item.source for item in read_dataset(dataset)} - set(SOURCES):
                await allow_sources(president, compliance, sources)
            api = ApiClient(http, issuer.issue(CORE_BANKING, kind="client"))
            return await replay(api, dataset, file, shift=file.known_shift if shift else None, progress=progress)
