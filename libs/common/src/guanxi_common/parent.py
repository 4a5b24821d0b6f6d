"""A child's tie to its supervisor: a pipe that closes when the supervisor is gone, however it went."""

import os
import signal
import threading
from typing import NoReturn

RUN_MARK = "GUANXI_RUN_MARK"
"""The variable that names the test run to which a process belongs; of its launcher's environment PostgreSQL gets this alone."""
PIPE_VARIABLE = "GUANXI_PARENT_PIPE"
GRACE_SECONDS = 25.0
"""Longer than an API process needs to drain (`http.serve`)."""


def watch_parent_pipe(*, grace: float = GRACE_SECONDS) -> None:
    """End this process when its supervisor has ended: SIGTERM to itself, and after `grace` seconds a hard exit.

    A child's main calls it first. Without a supervisor (a container, a shell) it does nothing.
    """
    if descriptor := os.environ.pop(PIPE_VARIABLE, None):
        os.set_inheritable(int(descriptor), False)
        threading.Thread(target=_wait_for_the_end, args=(int(descriptor), grace), name="parent-pipe", daemon=True).start()


def _wait_for_the_end(descriptor: int, grace: float) -> NoReturn:
    while os.read(descriptor, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(grace)
    os._exit(1)
