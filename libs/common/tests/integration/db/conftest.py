from collections.abc import AsyncIterator

import asyncpg
import pytest
from guanxi_testing.databases import TestServer


@pytest.fixture
async def postgres_admin(postgres: TestServer) -> "AsyncIterator[asyncpg.Connection]":
    """A superuser's connection to the run's server."""
    connection = await asyncpg.connect(postgres.admin_url)
    yield connection
    await connection.close()
