"""Runs a supervisor over dummy children, and an embedded PostgreSQL if asked, in a process that tests may kill.

What it says on the console goes to the file `console`.

Arguments: a folder, `postgres` or `-`, then `<name>:<behaviour>:<wave>` for each child.
"""

import sys
from pathlib import Path

import anyio
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_common.supervisor.children import ChildSpec
from guanxi_common.supervisor.supervisor import Supervisor


def main() -> int:
    folder, database = Path(sys.argv[1]), sys.argv[2]
    dummy = str(Path(__file__).with_name("dummy_child.py"))
    console = (folder / "console").open("a", buffering=1)  # closed with the process

    def say(line: str) -> None:
        console.write(f"{line}\n")

    specs = []
    for argument in sys.argv[3:]:
        name, behaviour, wave = argument.split(":")
        argv = (sys.executable, dummy, str(folder), name, behaviour)
        specs.append(ChildSpec(name, argv, wave=int(wave), once=behaviour == "finish"))
    if database != "postgres":
        return anyio.run(Supervisor(specs, logs=folder / "logs", console=say, grace=1.0).run)
    with EmbeddedPostgres(folder / "postgres", durable=False) as server:
        (folder / "postgres.pid").write_text(str(server.pid))
        return anyio.run(Supervisor(specs, logs=folder / "logs", console=say, database=server, grace=1.0).run)


if __name__ == "__main__":
    sys.exit(main())
