"""The sheet of who may do what, `authorisation.yaml`, as the contract tests read it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

NO_TOKEN: Final = "none"
"""The caller without a token."""


class Post(NamedTuple):
    """What a caller is, and at which outlet; None for those who work for the whole bank."""

    role: str
    outlet: str | None


class Sheet:
    """`posts`: the callers with a token. `permissions`: by operation. `rows`: by operation and target, the status that each caller gets.

    Raises for an operation whose permission or thing the sheet lacks, and for a row without a cell for each caller.
    """

    def __init__(self, file: Path) -> None:
        sheet = yaml.safe_load(file.read_text(encoding="utf-8"))
        self.posts: dict[str, Post] = {caller: _post(text) for caller, text in sheet["callers"].items()}
        self.permissions: dict[str, str] = {}
        self.rows: dict[str, dict[str, dict[str, int]]] = {}
        for operation, line in sheet["operations"].items():
            rule, *exceptions = line.split(",")
            permission, thing, success = rule.split()
            reaches = dict(zip(self.posts, sheet["permissions"][permission].split(), strict=True))
            self.permissions[operation] = permission
            self.rows[operation] = {
                target: {NO_TOKEN: 401} | {caller: _status(reach, gets, int(success)) for caller, reach in reaches.items()}
                for target, gets in sheet["things"][thing].items()
            }
            for target, caller, status in map(str.split, exceptions):
                assert self.rows[operation][target][caller] != int(status), f"{operation}: {target} {caller} is no exception"
                self.rows[operation][target][caller] = int(status)

    def cells(self, operation: str) -> Iterator[tuple[str, str, int]]:
        """(target, caller, status) of an operation's rows."""
        for target, statuses in self.rows[operation].items():
            yield from ((target, caller, status) for caller, status in statuses.items())

    def permitted(self, operation: str) -> tuple[str, str]:
        """(target, caller) of the first cell that answers 2xx."""
        for target, caller, status in self.cells(operation):
            if 200 <= status < 300:
                return target, caller
        raise AssertionError(f"nobody may {operation}")


def _post(text: str) -> Post:
    role, _, outlet = text.partition(" at ")
    return Post(role, outlet or None)


def _status(reach: str, gets: Mapping[str, Any], success: int) -> int:
    if reach == ".":
        return 403
    return success if gets[reach] == "ok" else int(gets[reach])


SHEET: Final = Sheet(Path(__file__).with_name("authorisation.yaml"))
