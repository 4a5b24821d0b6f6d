"""A child for the supervisor's tests. Arguments: a folder, a name, and what to do: stay, crash, or stubborn.

It writes `<name>.pid`, and appends what happens to it to `events`.
"""

import os
import signal
import sys
import time
from pathlib import Path

from guanxi_common.supervisor.parent import watch_parent_pipe


def main() -> int:
    folder, name, behaviour = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

    def tell(event: str) -> None:
        with (folder / "events").open("a") as file:
            file.write(f"{name} {event}\n")

    def on_sigterm(_number: int, _frame: object) -> None:
        tell("sigterm")
        if behaviour != "stubborn":
            sys.exit(0)

    signal.signal(signal.SIGTERM, on_sigterm)
    watch_parent_pipe(grace=0.5)
    (folder / f"{name}.pid").write_text(str(os.getpid()))
    tell("started")
    sys.stdout.write(f"WARNING {name} speaks\nINFO {name} whispers\n")
    sys.stdout.flush()
    if behaviour == "crash":
        return 3
    if behaviour == "finish":
        return 0
    while True:
        time.sleep(60)


if __name__ == "__main__":
    sys.exit(main())
