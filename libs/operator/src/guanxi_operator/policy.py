"""When a process that ended is started again, what it gets of its supervisor's environment, and which of its lines an operator must
see. Pure.
"""

import json
from collections import deque
from collections.abc import Mapping

EXITS_ALLOWED = 5
WINDOW_SECONDS = 60.0
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 8.0
LONG_DELAYS_SECONDS = (30.0, 60.0)

_SYSTEM = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV"}
) | frozenset(
    {"TERM", "COLUMNS", "NO_COLOR"}  # of the terminal that a child which runs once shares
)
_OURS = ("GUANXI_", "LC_", "PYTHON", "OTEL_", "OMP_", "OPENBLAS_", "SSL_CERT_")
_OF_ONE_SERVICE = ("DATABASE_URL", "EVENT_SIGNING_KEY")
_QUIET_LEVELS = frozenset({"debug", "info", "notset"})


class RestartBudget:
    """When to start a process again that has ended. After five ends within sixty seconds it is tried less often, and never given up."""

    def __init__(self) -> None:
        self._exits: deque[float] = deque(maxlen=EXITS_ALLOWED)
        self._long_pauses = 0

    @property
    def used_up(self) -> bool:
        """Whether it does not stay up. Over once it has run for `WINDOW_SECONDS`, which `stayed_up` reports."""
        return self._long_pauses > 0

    def stayed_up(self) -> None:
        """It has run long enough: what was before counts no more."""
        self._exits.clear()
        self._long_pauses = 0

    def delay_after_exit(self, now: float) -> float:
        """How many seconds to wait before the next start: twice as long each time, then 30, then 60."""
        self._exits.append(now)
        recent = sum(1 for exit_time in self._exits if now - exit_time < WINDOW_SECONDS)
        if self.used_up or recent >= EXITS_ALLOWED:
            self._long_pauses += 1
            return LONG_DELAYS_SECONDS[min(self._long_pauses, len(LONG_DELAYS_SECONDS)) - 1]
        return float(min(FIRST_DELAY_SECONDS * 2 ** (recent - 1), LONGEST_DELAY_SECONDS))


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What a child gets of its supervisor's environment: the system's own variables and our settings, and nothing of one service's.

    A database's URL and the key that signs events are in the environment of the service's own children alone. Nothing else that the
    operator's shell holds (tokens of a cloud, passwords of other programs) concerns any of them.
    """
    return {
        name: value
        for name, value in environment.items()
        if (name in _SYSTEM or name.startswith(_OURS)) and not any(mark in name for mark in _OF_ONE_SERVICE)
    }


def is_notable(line: str) -> bool:
    """Whether a line of a log belongs on the console too: a warning or worse, or what is no log line at all (a traceback)."""
    if line.startswith("{"):
        try:
            level = json.loads(line).get("level")
        except (ValueError, AttributeError):
            return True
        return str(level).lower() not in _QUIET_LEVELS
    return bool(line) and not line.startswith(("INFO", "DEBUG"))
