"""Deterministic simulation of relay, broker and consumers: the real code on a virtual clock, a faulty broker and a faulty database,
with records that nobody can read, damaged rows, bookkeeping that fails, and two releases side by side.

A run is a function of its seed: latencies, faults, kills and what the writers do all come from one random generator, and time is
virtual. `run_seed(seed)` raises `InvariantViolated` with the seed in its text; `python -m guanxi_testing.simulation` runs many.
`run_kill(seed)` kills a relay within a row of many events.
"""

from guanxi_testing.simulation.checks import InvariantViolated
from guanxi_testing.simulation.kills import run_kill
from guanxi_testing.simulation.world import run_seed

__all__ = ["InvariantViolated", "run_kill", "run_seed"]
