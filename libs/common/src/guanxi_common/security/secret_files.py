"""Secrets and keys of the embedded default, each in a file of mode 600."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path


def read_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`; made with mode 600 if it is not there.

    Processes that start together agree: the first to link its file wins, and nobody reads a half-written one.
    """
    with suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    _write(partial, make())
    try:
        with suppress(FileExistsError):
            path.hardlink_to(partial)
    finally:
        partial.unlink()
    return path.read_bytes()


def replace(path: Path, content: bytes) -> None:
    """Put `content` into `path` in one step, with mode 600."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    _write(partial, content)
    partial.replace(path)


def keep_database_urls(home: Path, urls: Mapping[str, str]) -> None:
    """Keep the services' database URLs of a running deployment under `home`, for commands on the same machine."""
    path = home / "secrets" / "databases"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace(path, json.dumps(dict(urls)).encode())


def kept_database_urls(home: Path) -> dict[str, str]:
    """What `keep_database_urls` kept. Raises FileNotFoundError before the first start."""
    urls: dict[str, str] = json.loads((home / "secrets" / "databases").read_text())
    return urls


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
