"""When a process that ended is started again, and which of its lines an operator must see. Pure."""

import json
from collections import deque

EXITS_ALLOWED = 5
WINDOW_SECONDS = 60.0
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 8.0

_QUIET_LEVELS = frozenset({"debug", "info", "notset"})


class RestartBudget:
    """Five exits within sixty seconds mean that starting again does not help."""

    def __init__(self) -> None:
        self._exits: deque[float] = deque(maxlen=EXITS_ALLOWED)

    def delay_after_exit(self, now: float) -> float | None:
        """How many seconds to wait before the next start, twice as long each time; None when the budget is used up."""
        self._exits.append(now)
        recent = sum(1 for exit_time in self._exits if now - exit_time < WINDOW_SECONDS)
        if recent >= EXITS_ALLOWED:
            return None
        return float(min(FIRST_DELAY_SECONDS * 2 ** (recent - 1), LONGEST_DELAY_SECONDS))


def is_notable(line: str) -> bool:
    """Whether a line of a log belongs on the console too: a warning or worse, or what is no log line at all (a traceback)."""
    if line.startswith("{"):
        try:
            level = json.loads(line).get("level")
        except (ValueError, AttributeError):
            return True
        return str(level).lower() not in _QUIET_LEVELS
    return bool(line) and not line.startswith(("INFO", "DEBUG"))
