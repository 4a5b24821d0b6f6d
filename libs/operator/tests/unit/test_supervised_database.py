"""D18: a database that does not come up is tried on, nobody is stopped for it, and the exit code tells whether it was down."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from guanxi_operator import policy, supervisor
from guanxi_operator.supervisor import Supervisor
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio


class Server:
    """A database server that is down, and comes up at its `up_after`th restart."""

    def __init__(self, up_after: int) -> None:
        self.restarts = 0
        self._up_after = up_after

    @property
    def running(self) -> bool:
        return self.restarts >= self._up_after

    def restart(self) -> None:
        self.restarts += 1
        if not self.running:
            raise OSError("no space left on device")

    def rotate_log(self) -> None:
        """There is no log."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "FIRST_DELAY_SECONDS", 0.001)
    monkeypatch.setattr(policy, "LONG_DELAYS_SECONDS", (0.002, 0.004))
    monkeypatch.setattr(supervisor, "WINDOW_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "_DATABASE_POLL_SECONDS", 0.01)


async def _run_until(server: Server, condition: Callable[[list[str]], bool], folder: Path) -> tuple[int, list[str]]:
    lines: list[str] = []

    async def probe() -> bool:
        return condition(lines)

    running = Supervisor([], logs=folder, console=lines.append, database=server)
    task = asyncio.create_task(running.run())
    await eventually(probe)
    running.stop()
    return await task, lines


async def test_d18_a_database_that_does_not_start_is_tried_on_and_said_to_be_up_again(tmp_path: Path) -> None:
    code, lines = await _run_until(Server(up_after=8), lambda lines: "PostgreSQL is up again" in lines, tmp_path)
    assert code == 0
    assert lines.count("PostgreSQL did not start: no space left on device") == 7
    assert lines.index("PostgreSQL runs again") < lines.index("PostgreSQL is up again")


async def test_d18_a_database_that_is_down_at_the_stop_shows_in_the_exit_code(tmp_path: Path) -> None:
    server = Server(up_after=1_000_000)
    code, lines = await _run_until(server, lambda _: server.restarts >= 8, tmp_path)
    assert code == 1
    assert "down at the stop: PostgreSQL" in lines
