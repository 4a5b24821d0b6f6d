"""`pg_dump` and `pg_restore` of a version that fits the server. A password goes by the environment, never by the command line."""

import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

import anyio.to_thread

from guanxi_common.backup.manifest import BackupError
from guanxi_common.db.placement import wheel

_SAID: Final = 2_000


async def dump(url: str, snapshot: str, file: Path) -> None:
    """Dump the database at `url` as an exported snapshot shows it, compressed. Raises `BackupError`."""
    await _run(
        "pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={file}", "--no-owner", "--lock-wait-timeout=10s"
    )


async def restore(url: str, file: Path) -> None:
    """Restore a dump into the empty database at `url`: all of it or nothing. Raises `BackupError`.

    Owners and rights stay behind: the server may have other roles, and gives them their rights itself.
    """
    await _run("pg_restore", url, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(file))


async def _run(program: str, url: str, *arguments: str) -> None:
    address = urlsplit(url)
    host = address.netloc.rpartition("@")[2]
    user = f"{address.username}@" if address.username else ""
    target = urlunsplit(address._replace(netloc=user + host))
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PGSSL")}
    if address.password:
        environment["PGPASSWORD"] = unquote(address.password)
    command = [str(_folder() / program), *arguments, f"--dbname={target}"]
    done = await anyio.to_thread.run_sync(
        partial(subprocess.run, command, capture_output=True, text=True, env=environment, check=False)
    )
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-_SAID:]}")


def _folder() -> Path:
    """`$PG_BIN`, else the programs that came with the embedded server."""
    chosen = os.environ.get("PG_BIN")
    return Path(chosen) if chosen else wheel() / "pginstall" / "bin"
