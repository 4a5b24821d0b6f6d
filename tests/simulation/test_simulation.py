"""R5: whatever the schedule, committed = published = applied exactly once. `make simulate` runs more seeds."""

import os
import subprocess
import sys

import pytest
from guanxi_testing.simulation import run_kill, run_seed

SEEDS = 500
CHUNK = 25
KILLS = 200


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_promise_holds_in_every_world(first: int) -> None:
    """A failure names its seed: `python -m guanxi_testing.simulation --seed N` shows it again."""
    digests = {run_seed(seed) for seed in range(first, first + CHUNK)}
    assert len(digests) == CHUNK


def test_7_a_relay_killed_within_a_row_of_many_events_loses_and_doubles_none() -> None:
    half_published = sum(run_kill(seed) for seed in range(KILLS))
    assert half_published > KILLS / 3  # else the points were badly chosen


def test_a_seed_is_replayed_exactly_in_another_process() -> None:
    code = "from guanxi_testing.simulation import run_seed; print(*[run_seed(seed) for seed in range(5)])"
    here = [run_seed(seed) for seed in range(5)]
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == here
