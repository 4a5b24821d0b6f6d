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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadscope` a worker has all tests of a stand, which then starts once; every other test is a scope of its own."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByStand(LoadScopeScheduling):  # type: ignore[misc]  # xdist is there in tests only
        def _split_scope(self, nodeid: str) -> str:
            return stand_of(nodeid)

    return ByStand(config, log)


def stand_of(nodeid: str) -> str:
    """The deployment of seven processes on its bus; the broker, whose records some tests break for all others; else the test itself."""
    on_kafka = "kafka" in nodeid
    if nodeid.startswith(("tests/e2e/", "tests/chaos/")):
        return "deployment on Kafka" if on_kafka else "deployment on the embedded log"
    return "Kafka" if on_kafka else nodeid


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
