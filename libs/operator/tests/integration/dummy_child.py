"""A child for the supervisor's tests. Arguments: a folder, a name, and what to do: stay, crash, finish, stubborn, mended or late.

It writes `<name>.pid`, and appends what happens to it to `events`. `mended` crashes until the file `mend` is there; `late` answers
200 on the port of `late.port` once the file `ready` is there.
"""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NoReturn

from guanxi_common.parent import watch_parent_pipe


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
    if behaviour == "crash" or (behaviour == "mended" and not (folder / "mend").exists()):
        return 3
    if behaviour == "finish":
        return 0
    if behaviour == "late":
        answer_late(folder)
    while True:
        time.sleep(60)


def answer_late(folder: Path) -> NoReturn:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if (folder / "ready").exists() else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    HTTPServer(("127.0.0.1", int((folder / "late.port").read_text())), Handler).serve_forever()
    raise AssertionError


if __name__ == "__main__":
    sys.exit(main())
