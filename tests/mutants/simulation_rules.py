"""The rules that only a simulated world with such a fault can miss: each fault of the simulation is shown to matter by one of them."""

from typing import Final

from tests.mutants.rules import INTEGRATION, SIMULATION, Rule

KILLS: Final = "tests/simulation/test_simulation.py::test_7_a_relay_killed_within_a_row_of_many_events_loses_and_doubles_none"


def _messaging(file: str) -> str:
    return f"guanxi_common/messaging/{file}"


SIMULATION_RULES: Final = (
    Rule(
        "a record that cannot be read is a dead letter (simulated)",
        _messaging("arrivals.py"),
        "        return Arrival(record, None, 0, error.reason, parked_id)",
        "        raise",
        SIMULATION,
    ),
    Rule(
        "what cannot be buried with its bookkeeping is buried without (simulated)",
        _messaging("processing.py"),
        "            plan = Plan.unstorable(queue, describe(error))",
        "            raise",
        SIMULATION,
    ),
    Rule(
        "a gap that a replay has filled is noticed",
        _messaging("inbox_statements.py"),
        "(v.epoch, v.version + 1) >= (p.epoch, p.version)",
        "false",
        f"{INTEGRATION}/messaging/test_7_1_bad_records.py"
        "::test_7_1_what_waited_for_an_unstorable_version_is_applied_when_that_is_replayed",
    ),
    Rule(
        "a damaged row of the outbox blocks its key (simulated)",
        _messaging("outbox/delivery.py"),
        "            if key not in self._blocked:\n",
        "            if False:\n",
        SIMULATION,
    ),
    Rule(
        "a batch that hangs is given up at its deadline (simulated)",
        _messaging("runner.py"),
        "            async with asyncio.timeout(self._settings.batch_deadline):\n                positions =",
        "            async with asyncio.timeout(None):\n                positions =",
        SIMULATION,
    ),
    Rule(
        "a version that only the newer release knows is a dead letter to the older one (simulated)",
        _messaging("policy.py"),
        "        if role is Role.UNSUPPORTED:",
        "        if False:",
        SIMULATION,
    ),
    Rule(
        "a partition that has reached its limit is paused (simulated)",
        _messaging("processing.py"),
        "                if room[at] <= 0 and at not in paused:",
        "                if False:",
        SIMULATION,
    ),
    Rule(
        "a batch is read to the record that reaches the limit, and no further (simulated)",
        _messaging("processing.py"),
        "        if any(made[at] >= left for at, left in room.items()):",
        "        if False:",
        SIMULATION,
    ),
    Rule(
        "a restored database is read on from its own position (simulated)",
        _messaging("places.py"),
        "            position, reset = read_from(standing.position, starts[at], ends[at])",
        "            position, reset = await consumer.position(at), None",
        SIMULATION,
    ),
    Rule(
        "a row counts as published when all of it was acknowledged (kill within the row)",
        _messaging("outbox/delivery.py"),
        "            if unknown is not None:\n                self._fail(row, _text(unknown))\n                continue\n",
        "",
        SIMULATION,
    ),
    Rule(
        "an event that is published twice is applied once (kill within the row)",
        _messaging("policy.py"),
        '                return self._drop(arrival, "duplicate")\n        return self._place_in_order',
        "                pass\n        return self._place_in_order",
        KILLS,
    ),
)
