"""The operator's commands about tokens and the audit log."""

import base64
import importlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import anyio
import asyncpg
import typer

from guanxi_common.clock import SystemClock
from guanxi_common.errors import DomainError
from guanxi_common.messaging.signing import EventSigner
from guanxi_common.security.audit.export import export_log, export_subject
from guanxi_common.security.audit.heads import Head
from guanxi_common.security.audit.verify import Report, verify
from guanxi_common.security.issuer import DEFAULT_AUDIENCE, LOCAL_ISSUER, LocalIssuer, LocalIssuerRefused
from guanxi_common.security.secret_files import kept_database_urls


def token(
    subject: Annotated[str, typer.Option(help="As the directory knows the caller, for instance rm-01.")],
    audience: Annotated[list[str] | None, typer.Option(help="Whom the token is for; may be repeated.")] = None,
    client: Annotated[bool, typer.Option("--client", help="A client system's token, not a person's.")] = False,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 30)] = 8,
) -> None:
    """Print an access token of the local issuer. Refused in production."""
    try:
        issuer = LocalIssuer(_home() / "issuer", SystemClock(), production=os.environ.get("GUANXI_ENVIRONMENT") == "production")
    except LocalIssuerRefused as error:
        _fail(str(error))
    lifetime = timedelta(hours=hours)
    audiences = audience or [DEFAULT_AUDIENCE]
    typer.echo(issuer.issue(subject, kind="client" if client else "staff", audience=audiences, lifetime=lifetime))


def event_key(key_id: Annotated[str, typer.Argument(help="`<service>/<label>`, for instance customer-svc/2026-11.")]) -> None:
    """Print a new key pair for signed events: the service's worker gets the first line, every worker the second."""
    seed = os.urandom(32)
    public = EventSigner(key_id, seed).public_key
    typer.echo(f"GUANXI_EVENT_SIGNING_KEY={key_id}:{base64.b64encode(seed).decode()}")
    typer.echo(f"GUANXI_EVENT_PUBLIC_KEYS={key_id}:{base64.b64encode(public).decode()}")


def appoint(
    subject: Annotated[str, typer.Option(help="The `sub` of the person's tokens.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the change.")],
    role: Annotated[str, typer.Option(help="head_office or compliance_officer.")] = "head_office",
    replaces: Annotated[str | None, typer.Option(help="An approver who cannot act any more, and is deactivated.")] = None,
) -> None:
    """Appoint somebody who can approve, while fewer than two can. DATABASE_URL: customer-svc's; else that of what runs here."""
    issuer = os.environ.get("GUANXI_ISSUER") or LOCAL_ISSUER
    try:
        database = os.environ.get("GUANXI_DATABASE_URL") or os.environ.get("DATABASE_URL")
        database = database or kept_database_urls(_home())["customer-svc"]
        anyio.run(_appoint_on_host(), database, issuer, subject, role, reason, replaces)
    except FileNotFoundError:
        _fail("nothing has been run here yet; set DATABASE_URL")
    except DomainError as error:
        _fail(f"refused: {error}")
    typer.echo(f"{subject} is {role}")


def _appoint_on_host() -> Callable[..., Awaitable[None]]:
    """customer-svc's command: this library knows no service, the installation does."""
    command: Callable[..., Awaitable[None]] = importlib.import_module("customer_svc.proposals.commands").appoint_on_host
    return command


def verify_audit(
    export: Annotated[Path | None, typer.Option(help="An export to check.")] = None,
    database: Annotated[str | None, typer.Option(help="A service's database, to export first.")] = None,
    log: Annotated[str, typer.Option(help="The service whose log the database holds.")] = "customer-svc",
    subject: Annotated[str | None, typer.Option(help="Export this customer's entries only, with proofs.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="The signer's public key, in hex; may be repeated.")] = None,
    anchor: Annotated[list[Path] | None, typer.Option(help="A head that an earlier check wrote; may be repeated.")] = None,
    write_head: Annotated[Path | None, typer.Option(help="Where to keep the newest head, as the next anchor.")] = None,
) -> None:
    """Check the audit log: of an export, or of a database (which is exported to --export, if that is given).

    With neither: the logs of the services that `guanxi run` keeps here; exports and newest heads are kept beside them, and each
    check holds the log against the head of the last one.
    """
    if export is None and database is None:
        _verify_local_logs(key or [])
        return
    try:
        anchors = [Head.of_json(json.loads(path.read_text())) for path in anchor or []]
        keys = [bytes.fromhex(one) for one in key or []]
        if database is not None:
            export = export or Path(f"audit-{log}.jsonl")
            anyio.run(_write_export, database, log, subject, anchors, export)
        if export is None:
            _fail("give --export or --database")
        with export.open(encoding="utf-8") as lines:
            report = verify(lines, public_keys=keys, anchors=anchors)
    except (OSError, ValueError, KeyError, LookupError, asyncpg.PostgresError) as error:
        _fail(f"cannot check: {error}")
    _print(report, given_key=bool(keys))
    if report.problems:
        raise typer.Exit(1)
    if write_head is not None and report.last is not None:
        write_head.write_text(json.dumps(report.last.as_json()) + "\n")


def _verify_local_logs(keys: list[str]) -> None:
    try:
        urls = kept_database_urls(_home())
    except FileNotFoundError:
        _fail("nothing has been run here yet; give --export or --database")
    folder = _home() / "audit"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for log, url in urls.items():
        typer.echo(log)
        head = folder / f"{log}.head"
        anchors = [head] if head.exists() else []
        verify_audit(folder / f"{log}.jsonl", url, log, None, keys, anchors, head)


def _home() -> Path:
    return Path(os.environ.get("GUANXI_DATA_DIR") or os.environ.get("GUANXI_HOME") or ".guanxi")


async def _write_export(database: str, log: str, subject: str | None, anchors: list[Head], file: Path) -> None:
    connection = await asyncpg.connect(database)
    try:
        lines = export_subject(connection, log, "customer", subject, anchors) if subject else export_log(connection, log)
        await _write_lines(lines, file)
    finally:
        await connection.close()


async def _write_lines(lines: AsyncGenerator[str, None], file: Path) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        async with aclosing(lines) as source:
            async for line in source:
                out.write(line)


def _print(report: Report, *, given_key: bool) -> None:
    for problem in report.problems:
        typer.echo(f"PROBLEM: {problem}")
    state = "does NOT hold" if report.problems else "holds"
    typer.echo(f"the log {state}: {report.entries} entries, {report.heads} heads")
    if report.last is not None:
        typer.echo(f"newest head: {report.last.size} entries at {report.last.at.isoformat()}, root {report.last.root.hex()}")
    if not given_key:
        keys = ", ".join(sorted(report.public_keys)) or "none"
        typer.echo(f"signatures were held against the keys in the export itself ({keys}); give --key to know whose they are")


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    sys.exit(1)
