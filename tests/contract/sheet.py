"""The sheet of who may do what, `authorisation.yaml`, as the contract tests read it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml


class Sheet:
    """`callers` are the columns. `rows`: by operation and target, the status that each caller gets."""

    def __init__(self, file: Path) -> None:
        sheet = yaml.safe_load(file.read_text(encoding="utf-8"))
        self.callers: list[str] = sheet["callers"].split()
        self.rows: dict[str, dict[str, list[int]]] = {
            operation: {target: [int(status) for status in row.split()] for target, row in targets.items()}
            for operation, targets in sheet["operations"].items()
        }

    def cells(self, operation: str) -> Iterator[tuple[str, str, int]]:
        """(target, caller, status) of an operation's rows."""
        for target, statuses in self.rows[operation].items():
            assert len(statuses) == len(self.callers), f"{operation} {target} has {len(statuses)} cells"
            yield from ((target, caller, status) for caller, status in zip(self.callers, statuses, strict=True))

    def permitted(self, operation: str) -> tuple[str, str]:
        """(target, caller) of the first cell that answers 2xx."""
        for target, caller, status in self.cells(operation):
            if 200 <= status < 300 and caller != "none":
                return target, caller
        raise AssertionError(f"nobody may {operation}")


SHEET: Final = Sheet(Path(__file__).with_name("authorisation.yaml"))
