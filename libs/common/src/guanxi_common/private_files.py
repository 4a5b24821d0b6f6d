"""Files that only their owner reads: logs and traces, of bounded size.

A file or folder that an earlier release left open to others is closed when it is next opened.
"""

import fcntl
import os
import shutil
import stat
from io import TextIOWrapper
from itertools import pairwise
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


def private_folder(path: Path) -> Path:
    """The folder, made if it is not there, which nobody else may enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(_FOLDER_MODE)
    return path


def open_private(path: Path) -> int:
    """A descriptor for appending to the file. Raises OSError. A device, as `/dev/null`, is everybody's and keeps its mode."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    status = os.fstat(descriptor)
    if status.st_uid == os.geteuid() and stat.S_ISREG(status.st_mode):
        os.fchmod(descriptor, _FILE_MODE)
    return descriptor


def older(path: Path, count: int) -> list[Path]:
    """The names of the `count` older files, the latest first."""
    return [path.with_name(f"{path.name}.{number}") for number in range(1, count + 1)]


def shift(path: Path, count: int) -> None:
    """Make room in the place of `path`: it becomes the latest of at most `count` older files, and the oldest is deleted."""
    for earlier, later in reversed(list(pairwise([path, *older(path, count)]))):
        if earlier.exists():
            earlier.replace(later)


def copy_aside(path: Path) -> None:
    """Copy a file that another program holds open for appending to the one older file of it, and empty it, copied or not.

    Raises OSError where the disk is full.
    """
    [aside] = older(path, 1)
    aside.unlink(missing_ok=True)
    try:
        aside.touch(mode=_FILE_MODE)
        shutil.copyfile(path, aside)
    finally:
        os.truncate(path, 0)


class PrivateRotatingLog(RotatingFileHandler):
    """A rotating log of one process; the older files are closed to others too."""

    def __init__(self, path: Path, *, max_bytes: int, older_files: int) -> None:
        for file in older(path, older_files):
            if file.exists():
                file.chmod(_FILE_MODE)
        super().__init__(path, maxBytes=max_bytes, backupCount=older_files, encoding="utf-8", errors="replace")

    def _open(self) -> TextIOWrapper:
        return os.fdopen(open_private(Path(self.baseFilename)), "a", encoding=self.encoding, errors=self.errors)


class SharedRotatingFile:
    """Appends whole lines to a file that several processes share; whoever finds it full moves it aside."""

    def __init__(self, path: Path, *, max_bytes: int, older_files: int) -> None:
        """Raises OSError where the file cannot be opened."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
        self._path = path
        self._max_bytes = max_bytes
        self._older_files = older_files
        self._file = open_private(path)
        for file in older(path, older_files):
            if file.exists():
                file.chmod(_FILE_MODE)

    def append(self, line: bytes) -> None:
        """Append in one `write`, so that lines of several processes never mix. Raises OSError."""
        if not self._is_current():
            self._reopen()
        elif os.fstat(self._file).st_size + len(line) > self._max_bytes:
            self._rotate()
        os.write(self._file, line)

    def close(self) -> None:
        """May be called again."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _rotate(self) -> None:
        """Under a lock on the full file: one process moves it aside, the others find another one in its place."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            if self._is_current():
                shift(self._path, self._older_files)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._reopen()

    def _is_current(self) -> bool:
        """Whether our descriptor still is the file at the path."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._file)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _reopen(self) -> None:
        former, self._file = self._file, open_private(self._path)
        os.close(former)
