"""What the loader remembers between runs, in `.guanxi/sandbox.json`."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from guanxi_sandbox.shift import Shift, choose_shift

STATE_FILE = Path(".guanxi/sandbox.json")


@dataclass(slots=True)
class SandboxState:
    """The shift, whether the sandbox is loaded, and how far each interrupted replay came (items answered, by what was replayed)."""

    weeks: int | None = None
    loaded: bool = False
    replays: dict[str, int] = field(default_factory=dict)


class StateFile:
    """Reads and writes the state; a write is atomic. For one process at a time."""

    def __init__(self, path: Path = STATE_FILE) -> None:
        self._path = path
        self.state = SandboxState(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else SandboxState()

    def shift(self, today: date) -> Shift:
        """The shift of this installation: chosen by the first call, and the same ever after."""
        if self.state.weeks is None:
            self.state.weeks = choose_shift(today).weeks
            self.save()
        return Shift(self.state.weeks)

    @property
    def known_shift(self) -> Shift:
        """The shift that was chosen; none before that."""
        return Shift(self.state.weeks or 0)

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self.state), indent=2), encoding="utf-8")
        fresh.replace(self._path)
