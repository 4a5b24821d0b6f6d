"""Test databases: a template is built once, copies are independent, and what a killed run left is removed."""

import subprocess
import sys
from pathlib import Path

import anyio
import asyncpg
import pytest
from guanxi_testing.databases import TestServer, start_server

pytestmark = pytest.mark.anyio


async def test_a_template_is_built_once_and_its_copies_are_independent(postgres: TestServer) -> None:
    built: list[str] = []

    async def build(url: str) -> None:
        built.append(url)
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE entry (id int)")
        await connection.close()

    async def ask() -> None:
        await postgres.template("template_for_test", build)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)
    assert len(built) == 1
    async with postgres.database("template_for_test") as first, postgres.database("template_for_test") as second:
        one, two = await asyncpg.connect(first), await asyncpg.connect(second)
        await one.execute("INSERT INTO entry VALUES (1)")
        assert await two.fetchval("SELECT count(*) FROM entry") == 0
        await one.close()
        await two.close()


async def test_a_database_is_dropped_though_a_connection_was_left_open(postgres: TestServer) -> None:
    async with postgres.database() as url:
        left_open = await asyncpg.connect(url)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
    left_open.terminate()


@pytest.mark.parametrize("package", ["customer_svc", "engagement_svc", "scoring_svc"])
async def test_every_service_has_a_migrated_database(postgres: TestServer, package: str) -> None:
    async with postgres.service_database(package) as url:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT to_regclass('alembic_version')::text") == "alembic_version"
        await connection.close()


def test_the_server_of_a_killed_run_is_ended_and_removed_by_the_next() -> None:
    program = (
        "import sys; from guanxi_testing.databases import start_server; s = start_server();"
        "print(s.data_dir, s.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        folder, pid = killed.stdout.readline().split()
        killed.kill()
    assert Path(folder).is_dir()
    start_server().delete()
    assert not Path(folder).exists()
    assert not Path(f"/proc/{pid}").exists()
