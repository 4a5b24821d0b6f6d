"""What an installation consists of: its services with their ports, the databases that they share, and where a host keeps its own data."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

SERVICES: Final = {"customer": 8101, "engagement": 8102, "scoring": 8103}
SHARED_DATABASES: Final = ("keys", "bus")
POSTGRES_PORT: Final = 8154


def database_on(server_url: str, name: str) -> str:
    """The URL of the database `guanxi_<name>` on a server; user, password, host and port are those of `server_url`."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/guanxi_{name}"))


def default_home() -> Path:
    """`$GUANXI_HOME`, else `.guanxi` in the present folder."""
    return Path(os.environ.get("GUANXI_HOME", ".guanxi")).absolute()
