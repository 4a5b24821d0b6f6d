"""The append-only list of erasures, kept outside the databases, so that no backup of these brings an erased customer back.

A line is JSON: number, customer id, time, who asked for it, and a SHA-256 over these and the hash of the line before (the first lines that
there were name nobody). An erasure counts from the moment its line is on the disk: what comes after it (keys, rows, events) is done again
until it is complete.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, Protocol
from uuid import UUID

from guanxi_common.parts import PartProblem

_START: Final = "0" * 64


class ErasureListBroken(PartProblem):
    """The list was changed, shortened or is not the one that the database knows. Nothing is served until an operator has looked."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """`asked_by` is the caller's `staff:…` or `client:…`; empty where the line does not say."""

    customer_id: UUID
    erased_at: datetime
    asked_by: str = ""


class ErasureList(Protocol):
    """Both methods block. Several processes append at the same time."""

    def append(self, erasure: Erasure) -> None:
        """Keep the erasure; when it returns, the line survives a loss of power. Raises `OSError`, `ErasureListBroken`."""
        ...

    def read(self) -> Sequence[Erasure]:
        """All erasures in order; none where the list was never written. Raises `OSError`, `ErasureListBroken`."""
        ...


class FileErasureList:
    """The list in one file of mode 600. In production on a volume of its own, mounted by every process of all services."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def append(self, erasure: Erasure) -> None:
        """See `ErasureList`. A line that a kill cut off was never acknowledged and makes room."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines, end = _whole_lines(file)
            number, last, _ = read_lines(lines)
            file.truncate(end)
            file.seek(end)
            file.write(line_of(number + 1, erasure, last))
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self._file.parent)

    def read(self) -> Sequence[Erasure]:
        """See `ErasureList`."""
        with suppress(FileNotFoundError), self._file.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return read_lines(_whole_lines(file)[0])[2]
        return ()


def line_of(number: int, erasure: Erasure, previous: str) -> bytes:
    """The line, which ends the chain of hashes that `previous` ended."""
    values = [number, str(erasure.customer_id), erasure.erased_at.isoformat(), *filter(None, [erasure.asked_by])]
    digest = sha256(f"{previous}{json.dumps(values)}".encode()).hexdigest()
    return json.dumps([*values, digest]).encode() + b"\n"


def read_lines(lines: Iterable[bytes]) -> tuple[int, str, list[Erasure]]:
    """The last number and hash, and the erasures. Raises `ErasureListBroken` at the first line that does not continue the chain."""
    number, last, erasures = 0, _START, []
    for line in lines:
        try:
            told, customer, at, *asked_by, digest = json.loads(line)
            erasure = Erasure(UUID(customer), datetime.fromisoformat(at), *asked_by)
        except (ValueError, TypeError, AttributeError):
            raise ErasureListBroken(f"line {number + 1} of the list of erasures cannot be read") from None
        if told != number + 1 or line_of(told, erasure, last) != line:
            raise ErasureListBroken(f"line {number + 1} of the list of erasures is not the one that was written")
        number, last = told, digest
        erasures.append(erasure)
    return number, last, erasures


def _whole_lines(file: IO[bytes]) -> tuple[list[bytes], int]:
    """The lines that were finished, and where they end."""
    content = file.read()
    end = content.rfind(b"\n") + 1
    return content[:end].splitlines(keepends=True), end


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
