"""What a backup holds and what its restored databases must show: a JSON file beside the dumps."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

FILE: Final = "manifest.json"
FORMAT: Final = 1
KEYS_KEPT: Final = timedelta(days=30)
"""The longest life of a key backup: within it an erased customer's key can be brought back by whoever holds backup and master key."""

PARTIAL: Final = ".partial"
"""What the folder's name ends with until the backup is whole."""

_STAMP: Final = "%Y%m%dT%H%M%S%fZ"
_BLOCK: Final = 1024 * 1024


class BackupError(Exception):
    """A backup cannot be made, read or restored; the text says why, a reason a line."""


@dataclass(frozen=True, slots=True)
class Dump:
    """One database's file, and what the database held in the snapshot of the dump.

    `audit_size` and `audit_root` (hex) are those of the newest signed head; `positions` the group's next offset by
    `<topic>[<partition>]`. What a database does not have is None or empty.
    """

    file: str
    sha256: str
    bytes: int
    server: str
    revision: str | None = None
    epoch: int | None = None
    audit_size: int | None = None
    audit_root: str | None = None
    positions: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    made_at: datetime
    databases: Mapping[str, Dump]

    def write(self, folder: Path) -> None:
        """Write the manifest into `folder`."""
        dumps = {name: asdict(dump) for name, dump in self.databases.items()}
        document = {"format": FORMAT, "made_at": self.made_at.isoformat(), "databases": dumps}
        (folder / FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of a backup. Raises `BackupError` where there is none that can be read."""
        try:
            document: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise BackupError(f"{folder}: a backup of format {document['format']}; this release reads format {FORMAT}")
            dumps = {name: Dump(**dump) for name, dump in document["databases"].items()}
            return cls(datetime.fromisoformat(document["made_at"]), dumps)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupError(f"{folder}: no backup with a readable manifest ({type(error).__name__})") from error

    def problems(self, folder: Path) -> list[str]:
        """Why the files of `folder` are not those that the manifest describes; empty where they are."""
        return [problem for dump in self.databases.values() if (problem := _problem(folder, dump))]


def _problem(folder: Path, dump: Dump) -> str | None:
    file = folder / dump.file
    if Path(dump.file).name != dump.file:
        return f"{dump.file!r} is not a name of a file"
    if not file.is_file():
        return f"{file} is missing"
    if (size := file.stat().st_size) != dump.bytes:
        return f"{file} has {size} bytes, not {dump.bytes}"
    return None if digest_of(file) == dump.sha256 else f"{file} was changed: its hash is another"


def digest_of(file: Path) -> str:
    """SHA-256 of a file, in hex; memory stays flat."""
    digest = sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def folder_name(made_at: datetime) -> str:
    """The name of a backup's folder: names sort by time."""
    return made_at.strftime(_STAMP)


def made_at_of(name: str) -> datetime | None:
    """The time that a folder's name tells, that of a backup that broke off included."""
    try:
        return datetime.strptime(name.removesuffix(PARTIAL), _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def outlived(backups: Iterable[tuple[Path, datetime]], now: datetime) -> list[Path]:
    """The key backups that may no longer be kept."""
    return [folder for folder, made_at in backups if now - made_at > KEYS_KEPT]
