"""Runs a supervisor over dummy children, and an embedded PostgreSQL if asked, in a process that tests may kill.

What it says on the console goes to the file `console`. With the variable `QUICK` its minutes are seconds.

Arguments: a folder, `postgres` or `-`, then `<name>:<behaviour>:<wave>` for each child.
"""

import os
import socket
import sys
from pathlib import Path

import anyio
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_operator import policy, supervisor
from guanxi_operator.children import ChildSpec
from guanxi_operator.supervisor import Supervisor


def main() -> int:
    folder, database = Path(sys.argv[1]), sys.argv[2]
    dummy = str(Path(__file__).with_name("dummy_child.py"))
    console = (folder / "console").open("a", buffering=1)  # closed with the process

    def say(line: str) -> None:
        console.write(f"{line}\n")

    if os.environ["QUICK"]:
        _hurry()
    specs = []
    for argument in sys.argv[3:]:
        name, behaviour, wave = argument.split(":")
        argv = (sys.executable if behaviour != "absent" else "/nowhere/python", dummy, str(folder), name, behaviour)
        url = _readiness_url(folder) if behaviour == "late" else None
        specs.append(ChildSpec(name, argv, readiness_url=url, wave=int(wave), once=behaviour == "finish"))
    if database != "postgres":
        return anyio.run(Supervisor(specs, logs=folder / "logs", console=say, grace=1.0).run)
    with EmbeddedPostgres(folder / "postgres", durable=False) as server:
        (folder / "postgres.pid").write_text(str(server.pid))
        return anyio.run(Supervisor(specs, logs=folder / "logs", console=say, database=server, grace=1.0).run)


def _readiness_url(folder: Path) -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "late.port").write_text(str(port))
    return f"http://127.0.0.1:{port}"


def _hurry() -> None:
    """A supervisor whose minutes are a second."""
    policy.LONG_DELAYS_SECONDS = (0.3, 0.6)
    supervisor.WINDOW_SECONDS = supervisor.READY_REPORT_SECONDS = 1.0


if __name__ == "__main__":
    sys.exit(main())
