"""The pytest plugin of the repository: the asyncio back end of anyio, and one PostgreSQL per run, also under pytest-xdist."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from guanxi_common.db.embedded import EmbeddedPostgres

from guanxi_testing.databases import TestServer, start_server
from guanxi_testing.guard import guard_this_run

_SERVER = pytest.StashKey[EmbeddedPostgres]()


def _server(config: pytest.Config) -> EmbeddedPostgres:
    if _SERVER not in config.stash:
        config.stash[_SERVER] = start_server()
    return config.stash[_SERVER]


def pytest_configure(config: pytest.Config) -> None:
    """What this run starts ends with it; the workers of pytest-xdist are a part of their controller's run."""
    if not hasattr(config, "workerinput"):
        guard_this_run()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Under pytest-xdist the controller starts the server and tells every worker where it is."""
    server = _server(node.config)
    node.workerinput["postgres"] = (server.admin_url, server.url("postgres"))


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVER in config.stash:
        config.stash[_SERVER].delete()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> TestServer:
    """The run's PostgreSQL server."""
    told = getattr(pytestconfig, "workerinput", {}).get("postgres")
    if told is None:
        server = _server(pytestconfig)
        told = (server.admin_url, server.url("postgres"))
    return TestServer(*told)


@pytest.fixture
async def empty_database(postgres: TestServer) -> AsyncIterator[str]:
    """The URL of a database without tables, dropped after the test."""
    async with postgres.database() as url:
        yield url
