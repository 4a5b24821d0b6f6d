"""The rules of reading records: positions, pauses of a partition, records that nobody can read."""

from typing import Final

from tests.mutants.rules import INTEGRATION, SIMULATION, UNIT, Rule

POSITIONS: Final = f"{INTEGRATION}/messaging/test_d20_positions.py"
BAD: Final = f"{INTEGRATION}/messaging/test_7_1_bad_records.py"
PAUSES: Final = f"{INTEGRATION}/messaging/test_d18_pauses.py"
BAD_RECORDS: Final = f"{UNIT}/messaging/test_bad_records.py"
EMBEDDED: Final = f"{INTEGRATION}/messaging/test_embedded_log.py"


def _messaging(file: str) -> str:
    return f"guanxi_common/messaging/{file}"


_positions = (
    Rule(
        "a position moves only from where the records were read",
        _messaging("inbox_statements.py"),
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
        "            await consumer.seek(at, position)\n            (consumer.pause",
        "            (consumer.pause",
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
        "if stored.get(at) != Standing(place.stored, place.paused)]",
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
        "        self._uncommitted.update(sought)\n",
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

_bad_records = (
    Rule(
        "what the decoder fails on is a dead letter",
        _messaging("arrivals.py"),
        "    except Exception as error:",
        "    except LookupError as error:",
        f"{BAD_RECORDS}::test_7_1_a_failure_that_nobody_has_thought_of_is_the_record_s_alone",
    ),
    Rule(
        "an event's time is bounded",
        "guanxi_common/instants.py",
        "    if not EARLIEST <= instant < BEYOND:",
        "    if False:",
        f"{UNIT}/test_instants.py",
    ),
    Rule(
        "a time that leaves the calendar in UTC is refused",
        "guanxi_common/instants.py",
        "    except OverflowError:",
        "    except LookupError:",
        f"{UNIT}/test_instants.py",
    ),
    Rule(
        "an instant in a request is bounded",
        "guanxi_common/instants.py",
        "AfterValidator(bounded)]",
        "AfterValidator(lambda instant: instant)]",
        "tests/contract/test_instants.py::test_d12_every_operation_refuses_it",
    ),
    Rule(
        "a posting's time is bounded, and refused alone",
        "customer_svc/transactions/policy.py",
        "    if item.occurred_at is not None and not is_bounded(item.occurred_at):",
        "    if False:",
        "tests/contract/test_instants.py::test_d12_a_posting_of_such_a_time_is_rejected_alone",
        "services/customer-svc",
    ),
    Rule(
        "a batch with an implausible time is not plain",
        "customer_svc/transactions/policy.py",
        "    if not all(item.occurred_at is None or is_bounded(item.occurred_at) for item in items):",
        "    if False:",
        "tests/contract/test_instants.py::test_d12_a_posting_of_such_a_time_is_rejected_alone",
        "services/customer-svc",
    ),
    Rule(
        "a key has a greatest length",
        "guanxi_contracts/codec.py",
        "    if len(record.key) > MAX_KEY_BYTES:",
        "    if False:",
        BAD_RECORDS,
    ),
    Rule(
        "attributes have a greatest length",
        "guanxi_contracts/codec.py",
        " or len(attributes) > MAX_ATTRIBUTE_BYTES:",
        ":",
        BAD_RECORDS,
    ),
    Rule(
        "an attribute is given once",
        "guanxi_contracts/codec.py",
        "    return len(names) > len(set(names))",
        "    return False",
        BAD_RECORDS,
    ),
    Rule(
        "a stored key is bounded",
        _messaging("stored.py"),
        "    if len(key) <= KEY_LENGTH and ",
        "    if ",
        f"{UNIT}/messaging/test_stored.py",
    ),
    Rule(
        "a stored key is free of U+0000",
        _messaging("stored.py"),
        ' and "\\0" not in key',
        "",
        f"{UNIT}/messaging/test_stored.py",
    ),
    Rule(
        "nobody forges the stored form of another key",
        _messaging("stored.py"),
        " and _MARK not in key",
        "",
        f"{UNIT}/messaging/test_stored.py",
    ),
    Rule(
        "look-ups ask for the stored form of a key",
        _messaging("policy.py"),
        "            return self.envelope.topic, stored_key(self.envelope.key)",
        "            return self.envelope.topic, self.envelope.key",
        f"{BAD}::test_7_1_a_key_is_stored_and_found_in_one_form",
    ),
    Rule(
        "bookkeeping is under the record's savepoint",
        _messaging("processing.py"),
        "            plan = Plan.unstorable(queue, describe(error))",
        "            raise",
        f"{BAD}::test_7_1_bookkeeping_that_cannot_be_stored_is_one_record_s_failure",
    ),
    Rule(
        "a transaction that a handler has spoilt is the event's failure",
        _messaging("failures.py"),
        " and state != _FAILED_TRANSACTION",
        "",
        f"{BAD}::test_7_1_a_handler_that_swallows_a_failed_statement_stops_nobody",
    ),
    Rule(
        "what Kafka's client cannot read is read by hand",
        _messaging("kafka/salvage.py"),
        '        return super().decode(encoding, "replace")',
        "        return super().decode(encoding)",
        f"{UNIT}/messaging/test_kafka_salvage.py",
    ),
    Rule(
        "reading by hand ends behind what could not be read",
        _messaging("kafka/consumer.py"),
        "                self._unreadable[at] = salvaged.next",
        "                pass",
        f"{UNIT}/messaging/test_kafka_consumer.py",
    ),
    Rule(
        "stored bytes that are no record raise nothing",
        _messaging("inbox.py"),
        "        return Record(*_decode(packed))\n    except Exception:",
        "        return Record(*_decode(packed))\n    except LookupError:",
        f"{BAD}::test_7_1_rows_whose_bytes_are_no_record_stop_nobody",
    ),
)

_pauses = (
    Rule(
        "a partition that has reached its limit is read no further",
        _messaging("processing.py"),
        "                if room[at] <= 0 and at not in paused:",
        "                if False:",
        f"{PAUSES}::test_d18_150_unreadable_records_in_one_fetch_are_kept_up_to_the_limit_and_pause_their_partition_alone",
    ),
    Rule(
        "a batch that reaches a limit goes one by one",
        _messaging("processing.py"),
        "        if any(made[at] >= left for at, left in room.items()):",
        "        if False:",
        f"{PAUSES}::test_d18_150_unreadable_records_in_one_fetch_are_kept_up_to_the_limit_and_pause_their_partition_alone",
    ),
    Rule(
        "a pause outlives its process",
        _messaging("inbox_statements.py"),
        "since IS NOT NULL AND resumed_at IS NULL AS paused",
        "false AS paused",
        f"{PAUSES}::test_d18_150_unreadable_records_in_one_fetch_are_kept_up_to_the_limit_and_pause_their_partition_alone",
    ),
    Rule(
        "a paused partition is no stall",
        _messaging("runner.py"),
        "consumer.assignment() - self._places.paused()",
        "consumer.assignment()",
        f"{PAUSES}::test_d18_beside_a_paused_partition_nobody_lags_and_nobody_joins_again",
    ),
    Rule(
        "dead letters count for an hour",
        _messaging("inbox_statements.py"),
        " AND d.made_at > now() - $5::interval)",
        ")",
        f"{PAUSES}::test_d18_only_open_letters_of_the_last_hour_count",
    ),
    Rule(
        "settled dead letters do not count",
        _messaging("inbox_statements.py"),
        "        AND d.resolved_at IS NULL AND d.made_at",
        "        AND d.made_at",
        f"{PAUSES}::test_d18_only_open_letters_of_the_last_hour_count",
    ),
    Rule(
        "a raised limit counts",
        _messaging("inbox_statements.py"),
        'SELECT p.topic, p.partition, coalesce(q."limit", $4) - (',
        "SELECT p.topic, p.partition, $4::integer - (",
        f"{PAUSES}::test_d18_a_raised_limit_holds_for_an_hour",
    ),
    Rule(
        "only a paused partition is resumed",
        _messaging("dead_letters/pauses.py"),
        "    return query.where(_pauses.c.resumed_at.is_(None))",
        "    return query",
        f"{INTEGRATION}/messaging/test_dead_letter_routes.py::test_d18_a_paused_partition_is_listed_and_resumed_with_a_higher_limit",
    ),
)

RECORDS_RULES: Final = (*_positions, *_bad_records, *_pauses)
