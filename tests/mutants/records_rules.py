"""The rules of reading records: positions, pauses of a partition, records that nobody can read."""

from typing import Final

from tests.mutants.rules import INTEGRATION, SIMULATION, UNIT, Rule

POSITIONS: Final = f"{INTEGRATION}/messaging/test_d20_positions.py"
EMBEDDED: Final = f"{INTEGRATION}/messaging/test_embedded_log.py"


def _messaging(file: str) -> str:
    return f"guanxi_common/messaging/{file}"


_positions = (
    Rule(
        "a position moves only from where the records were read",
        _messaging("inbox.py"),
        " AND p.position = step.before RETURNING 1",
        " RETURNING 1",
        f"{POSITIONS}::test_d20_a_member_that_lost_its_partition_cannot_move_the_position",
    ),
    Rule(
        "a first position is stored by one member",
        _messaging("inbox.py"),
        "    if (None, str(expected)) not in by_topic:",
        "    if False:",
        f"{POSITIONS}::test_d20_of_two_members_at_the_same_step_one_takes_it",
    ),
    Rule(
        "a partition is read from the stored position",
        _messaging("places.py"),
        "            await consumer.seek(at, position)\n            self._places",
        "            self._places",
        f"{POSITIONS}::test_d20_a_restored_database_goes_on_from_its_own_position",
    ),
    Rule(
        "a partition has a position before its first record",
        _messaging("places.py"),
        "                first[at] = polled[at][0].offset if at in polled else await consumer.position(at)",
        "                if at in polled:\n                    first[at] = polled[at][0].offset",
        f"{POSITIONS}::test_d20_a_restored_database_goes_on_from_its_own_position",
    ),
    Rule(
        "a position that was set back is noticed",
        _messaging("places.py"),
        "if place.stored != stored.get(at)]",
        "if False]",
        f"{POSITIONS}::test_d20_a_member_that_runs_notices_that_its_position_was_set_back",
    ),
    Rule(
        "a position outside of the log is at its start",
        _messaging("positions.py"),
        "    if position > end:",
        "    if False:",
        f"{UNIT}/messaging/test_positions.py",
    ),
    Rule(
        "offsets follow the stored positions",
        _messaging("runner.py"),
        "                self._uncommitted.update(sought)\n",
        "",
        SIMULATION,
    ),
    Rule(
        "the embedded log's reader passes over a gap at the end",
        _messaging("embedded/consumer.py"),
        "CASE WHEN next_offset > wanted.next THEN next_offset",
        "CASE WHEN next_offset > wanted.next THEN wanted.next",
        f"{EMBEDDED}::test_a_gap_at_the_end_of_a_partition_is_passed_over",
    ),
)

RECORDS_RULES: Final = (*_positions,)
