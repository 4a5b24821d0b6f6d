"""Migrations: run a service's Alembic revisions, check them against its tables, and tell which one a database is at.

Revisions are named by date, `YYYYMMDD_HHMM`, and only ever expand or contract the schema in steps that the running code bears;
so a database at a *later* revision than the code knows is fine for that code, and `require_revision` says so.
"""

import importlib.util
import os
import re
from functools import partial
from pathlib import Path
from typing import Final

import anyio.to_thread
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.parts import PartProblem

_REVISION: Final = re.compile(r"\d{8}_\d{4}")


class SchemaUnfit(PartProblem):
    """The database's schema is one that this code cannot work on; the text names both revisions."""


class SchemaBehind(SchemaUnfit):
    """The database has not been migrated to the revision that this code needs."""


class SchemaUnknown(SchemaUnfit):
    """The database is at a revision that is not named by a date, so that nothing says whether it is later than this code's."""


def migrations_folder(package: str) -> Path:
    """Where the revisions of the service `package` lie: `$GUANXI_MIGRATIONS/<package>` if set, else beside `src` in the checkout.

    A container that installs wheels copies `migrations` and sets the variable. Raises FileNotFoundError.
    """
    if root := os.environ.get("GUANXI_MIGRATIONS"):
        folder = Path(root) / package
    else:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"{package} is not installed")
        folder = Path(spec.origin).parents[2] / "migrations"
    if not (folder / "env.py").is_file():
        raise FileNotFoundError(
            f"no migrations of {package} in {folder}; set GUANXI_MIGRATIONS to the folder that holds {package}/"
        )
    return folder


def upgrade(url: str, package: str, revision: str = "head") -> None:
    """Bring the database at `url` up to `revision`. Safe to call from several processes at once: one migrates, the others wait.

    Blocks, and starts an event loop: call `migrate` from async code.
    """
    command.upgrade(_config(url, package), revision)


async def migrate(url: str, package: str, revision: str = "head") -> None:
    """`upgrade` in a thread of its own."""
    await anyio.to_thread.run_sync(partial(upgrade, url, package, revision))


def check(url: str, package: str) -> None:
    """Raise `alembic.util.CommandError` if the tables of the code and of the (migrated) database differ. Blocks."""
    command.check(_config(url, package))


def head_revision(package: str) -> str | None:
    """The newest revision that the code of `package` knows; None while it has none."""
    return ScriptDirectory(str(migrations_folder(package))).get_current_head()


async def current_revision(uow: UnitOfWork) -> str | None:
    """The revision the database is at; None before the first migration."""
    known = await uow.execute(text("SELECT to_regclass('alembic_version')"))
    if known.scalar() is None:
        return None
    revision: str | None = (await uow.execute(text("SELECT max(version_num) FROM alembic_version"))).scalar()
    return revision


async def require_revision(uow: UnitOfWork, needed: str | None) -> None:
    """Raise `SchemaBehind` or `SchemaUnknown` unless the database is at revision `needed` or a later one."""
    current = await current_revision(uow)
    if needed is None or current == needed:
        return
    if current is None or current < needed:
        raise SchemaBehind(f"the database is behind: at revision {current}, this code needs {needed}")
    if not _REVISION.fullmatch(current):
        raise SchemaUnknown(f"the database is at revision {current}, which this code does not know; it needs {needed}")


def _config(url: str, package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder(package)).replace("%", "%%"))
    config.attributes["url"] = url
    return config
