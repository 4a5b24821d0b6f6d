"""The rules, each with the source text that holds it, a text without it, and the test that must fail then."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNIT: Final = "libs/common/tests/unit"
INTEGRATION: Final = "libs/common/tests/integration"
POLICY: Final = f"{UNIT}/messaging/test_policy.py"
DELIVERY: Final = f"{UNIT}/messaging/test_delivery.py"
FAILURES: Final = f"{UNIT}/messaging/test_failures.py"
RELAY: Final = f"{INTEGRATION}/messaging/test_outbox_and_relay.py"
ENVELOPES: Final = f"{INTEGRATION}/messaging/test_outbox_envelopes.py"
RUNNER: Final = f"{INTEGRATION}/messaging/test_consumer_runner.py"
EFFECTS: Final = f"{INTEGRATION}/messaging/test_consumer_effects.py"
LETTERS: Final = f"{INTEGRATION}/messaging/test_dead_letters.py"
SIMULATION: Final = "simulation"
"""Not a file: a few hundred seeds, up to the first failure."""

HOUSE: Final = "."
"""In the place of a package: the file is one of the whole repository, and so is what the test reads."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`without` replaces `text`, which stands exactly once in `file` (below `src` of `package`, or in the `HOUSE`)."""

    name: str
    file: str
    text: str
    without: str
    test: str
    package: str = "libs/common"

    @property
    def path(self) -> Path:
        """The file, from the root of the repository."""
        return Path(self.file) if self.package == HOUSE else Path(self.package) / "src" / self.file


def _messaging(file: str) -> str:
    return f"guanxi_common/messaging/{file}"


_slow = (
    Rule(
        "a record whose statement always takes too long is set aside",
        _messaging("runner.py"),
        "        if len(records) == 1 and is_too_slow(error):",
        "        if False:",
        f"{RUNNER}::test_d18_a_record_whose_statement_always_takes_too_long_is_set_aside_and_the_next_are_applied",
    ),
)

_outbox = (
    Rule(
        "a row that cannot be read blocks its key",
        _messaging("outbox/delivery.py"),
        "            if row.unreadable is not None:",
        "            if False:",
        f"{DELIVERY}::test_7_1_a_row_that_cannot_be_read_blocks_its_key_once_the_rows_before_it_are_sent",
    ),
    Rule(
        "reading a row of the outbox never raises",
        _messaging("outbox/rows.py"),
        "    except Exception as error:",
        "    except ZeroDivisionError as error:",
        f"{DELIVERY}::test_7_1_whatever_a_row_holds_reading_it_never_raises",
    ),
    Rule(
        "a version must fit the topic's kind",
        _messaging("outbox/append.py"),
        "    if versioned and version is None:",
        "    if versioned and False:",
        f"{ENVELOPES}::test_a_version_must_fit_the_kind_of_the_topic",
    ),
    Rule(
        "a commit with events wakes the relay",
        _messaging("outbox/append.py"),
        "    uow.wake_relay_after_commit()\n",
        "",
        f"{RELAY}::test_a_commit_wakes_the_relay_and_many_commits_make_few_notifications",
    ),
    Rule(
        "a copy that meets a known key is undone",
        "guanxi_common/db/uow.py",
        '            await self.driver.execute("ROLLBACK TO SAVEPOINT copy")\n',
        "",
        f"{INTEGRATION}/db/test_unit_of_work.py::test_copy_if_new_keeps_all_rows_or_none_and_the_transaction_goes_on",
    ),
    Rule(
        "a consumer wakes the job that it leaves work for",
        "guanxi_common/jobs.py",
        "        uow.after_commit(set_wake)\n",
        "",
        f"{INTEGRATION}/messaging/test_jobs.py::test_a_job_is_woken_by_the_consumer_and_ends_without_waiting",
    ),
    Rule(
        "rows of a batch are sharded by key",
        _messaging("outbox/rows.py"),
        "return crc32(key) % SHARDS",
        "return hash(object()) % SHARDS",
        f"{DELIVERY}::test_a_key_has_one_shard_for_ever",
    ),
    Rule(
        "only published rows are purged",
        _messaging("outbox/backlog.py"),
        "WHERE published_at < $1 ORDER BY published_at",
        "WHERE created_at < $1 ORDER BY created_at",
        f"{RELAY}::test_purge_deletes_published_rows_only",
    ),
    Rule(
        "an old backlog refuses intake",
        _messaging("outbox/backlog.py"),
        "    if await backlog_age(uow) > limit:",
        "    if await backlog_age(uow) < -limit:",
        f"{RELAY}::test_the_backlog_refuses_intake_until_it_is_published",
    ),
)

_relay = (
    Rule(
        "a shard is published by one relay at a time",
        _messaging("outbox/store.py"),
        "WHERE pg_try_advisory_xact_lock({LOCK_CLASS}, shard) LIMIT $1",
        "LIMIT $1",
        f"{RELAY}::test_a_shard_is_published_by_one_relay_at_a_time",
    ),
    Rule(
        "the scan asks for what is unpublished",
        _messaging("outbox/store.py"),
        "SELECT * FROM outbox WHERE shard = s.shard AND published_at IS NULL",
        "SELECT * FROM outbox WHERE shard = s.shard AND sequence > coalesce((SELECT max(sequence) FROM outbox"
        " WHERE published_at IS NOT NULL), 0)",
        f"{RELAY}::test_a_transaction_that_commits_late_is_published_all_the_same",
    ),
    Rule(
        "what was published is marked",
        _messaging("outbox/store.py"),
        "        if outcome.published:",
        "        if False:",
        f"{RELAY}::test_a_relay_that_dies_after_the_acknowledgement_sends_again_and_loses_nothing",
    ),
    Rule(
        "a key's later row waits for its earlier one",
        _messaging("outbox/delivery.py"),
        "            elif keys & busy:",
        "            elif False:",
        DELIVERY,
    ),
    Rule(
        "an unknown outcome stops the key",
        _messaging("outbox/delivery.py"),
        "            if error is not None:\n                self._fail(row, error)",
        "            if False:\n                self._fail(row, error)",
        DELIVERY,
    ),
    Rule(
        "an unknown outcome is no refusal",
        _messaging("outbox/delivery.py"),
        "            if unknown is not None:",
        "            if False:",
        DELIVERY,
    ),
    Rule(
        "a row of unknown outcome is sent again",
        _messaging("outbox/delivery.py"),
        "        self.outcome.failed[row.sequence] = error",
        "        self.outcome.published.append(row.sequence)",
        SIMULATION,
    ),
    Rule(
        "a refused record stays in its row",
        _messaging("outbox/delivery.py"),
        "zip(sent, outcomes, strict=True) if error is None}",
        "zip(sent, outcomes, strict=True)}",
        SIMULATION,
    ),
    Rule(
        "a refused record blocks its key",
        _messaging("outbox/delivery.py"),
        "                    self._blocked.add(_key(record))\n",
        "",
        DELIVERY,
    ),
    Rule(
        "a refused batch is sent again record by record",
        _messaging("relay.py"),
        "        if len(records) > 1:",
        "        if False:",
        f"{RELAY}::test_an_unsendable_event_blocks_its_own_key_only",
    ),
    Rule(
        "a producer in an unknown state is replaced",
        _messaging("relay.py"),
        "            await self.close()\n            return [BusUnavailable",
        "            return [BusUnavailable",
        f"{RELAY}::test_the_producer_is_replaced_when_its_state_is_unknown",
    ),
)

_policy = (
    Rule("a version is applied once", _messaging("policy.py"), "    if version <= last:", "    if version < last:", SIMULATION),
    Rule(
        "a gap parks",
        _messaging("policy.py"),
        '    if kind == "changes" and version.epoch == last.epoch and version.number > last.number + 1:',
        "    if False:",
        SIMULATION,
    ),
    Rule(
        "snapshots are never gap-checked",
        _messaging("policy.py"),
        '    if kind == "changes" and version.epoch == last.epoch and version.number > last.number + 1:',
        "    if version.epoch == last.epoch and version.number > last.number + 1:",
        POLICY,
    ),
    Rule(
        "the first version seen is the baseline",
        _messaging("policy.py"),
        "    if last is None:\n        return Verdict.APPLY",
        "    last = last or 0",
        POLICY,
    ),
    Rule(
        "ignored types advance the version",
        _messaging("policy.py"),
        '(role is Role.IGNORED and rules.kind != "changes")',
        "role is Role.IGNORED",
        SIMULATION,
    ),
    Rule(
        "another major version beside a handled one does not count",
        _messaging("policy.py"),
        "if role is Role.SIBLING or",
        "if",
        POLICY,
    ),
    Rule(
        "an unknown major version is a dead letter",
        _messaging("policy.py"),
        "return Role.UNSUPPORTED if stem in self._known_stems else Role.IGNORED",
        "return Role.IGNORED",
        POLICY,
    ),
    Rule(
        "a fact is applied once per id",
        _messaging("policy.py"),
        '            else:\n                return self._drop(arrival, "duplicate")\n',
        "",
        SIMULATION,
    ),
    Rule(
        "the same id with another payload is a dead letter",
        _messaging("policy.py"),
        "            elif known != arrival.payload_hash:",
        "            elif False:",
        POLICY,
    ),
    Rule(
        "behind a dead letter its key waits",
        _messaging("policy.py"),
        "        if key in self._blocked and not",
        "        if False and not",
        SIMULATION,
    ),
    Rule(
        "a buried change counts as taken over",
        _messaging("policy.py"),
        "            return None\n        return self._advance(key, envelope.version)",
        "            return None\n        return None",
        POLICY,
    ),
    Rule(
        "a filled gap brings back what waits",
        _messaging("policy.py"),
        "        return waiting.pop(version._replace(number=version.number + 1), None)",
        "        return None",
        SIMULATION,
    ),
)

_inbox = (
    Rule(
        "the second of two members at the same event loses",
        _messaging("inbox.py"),
        "    if _count(await statement) != expected:",
        "    if _count(await statement) < 0 < expected:",
        f"{EFFECTS}::test_of_two_members_that_race_for_a_version_one_wins",
    ),
    Rule(
        "a repeated id is found in the inbox",
        _messaging("inbox.py"),
        "        known = hashes.keys() - {row[0] for row in fresh}",
        "        known = hashes.keys() - hashes.keys()",
        f"{LETTERS}::test_the_same_id_with_another_payload_is_a_dead_letter",
    ),
    Rule(
        "what a failed event wrote is undone",
        _messaging("inbox.py"),
        '"ROLLBACK TO SAVEPOINT event"',
        '"RELEASE SAVEPOINT event"',
        f"{LETTERS}::test_what_a_handler_wrote_is_undone_with_its_failed_event",
    ),
    Rule(
        "a dead letter is kept",
        _messaging("inbox.py"),
        "            await self._bury(burial)",
        "            continue",
        f"{LETTERS}::test_only_the_culprit_of_a_batch_goes_to_the_dead_letters",
    ),
)

_runner = (
    Rule(
        "transient failures are not buried",
        _messaging("failures.py"),
        "    if isinstance(error, (LostRace, BusError, OSError, TimeoutError, PoolTimeoutError)):",
        "    if False:",
        f"{RUNNER}::test_a_transient_failure_is_retried_and_leaves_no_trace",
    ),
    Rule(
        "a violated constraint is permanent",
        _messaging("failures.py"),
        "return (state[:2] in _TRANSIENT_CLASSES and state != _FAILED_TRANSACTION) or state == _STALE_PLAN",
        "return True",
        FAILURES,
    ),
    Rule(
        "handler calls keep the order of a key",
        _messaging("processing.py"),
        "            number += 1",
        "            number += 0",
        FAILURES,
    ),
    Rule(
        "after a failure the records are read again",
        _messaging("runner.py"),
        "            await _seek_back(consumer, polled)\n            await self._back_off",
        "            await self._back_off",
        SIMULATION,
    ),
    Rule(
        "what is polled while waiting is read again",
        _messaging("runner.py"),
        "            await _seek_back(consumer, polled)\n        consumer.resume",
        "        consumer.resume",
        SIMULATION,
    ),
    Rule(
        "offsets are committed after the effects",
        _messaging("runner.py"),
        "            await self._take_over(consumer, polled, stop)\n",
        "            await consumer.commit({at: batch[-1].offset + 1 for at, batch in polled.items()})\n"
        "            await self._take_over(consumer, polled, stop)\n",
        SIMULATION,
    ),
    Rule(
        "a consumer that has stalled is replaced",
        _messaging("runner.py"),
        "            if now - since > self._settings.stalled_after:",
        "            if False:",
        f"{RUNNER}::test_a_consumer_that_stopped_silently_is_replaced",
    ),
)

_others = (
    Rule(
        "another body under the same Idempotency-Key is refused",
        "guanxi_common/http/idempotency.py",
        '        if row["request_digest"] != requests[row["id"]]:',
        "        if False:",
        f"{INTEGRATION}/http/test_idempotency.py::test_another_body_under_the_same_key_is_refused",
    ),
    Rule(
        "a sealed field is bound to its place",
        "guanxi_common/security/fields.py",
        "    def associated_data(self, header: bytes) -> bytes:\n",
        "    def associated_data(self, header: bytes) -> bytes:\n        return header\n",
        f"{UNIT}/security/test_fields.py",
    ),
    Rule(
        "compaction keeps the last record of a key",
        "guanxi_common/messaging/embedded/schema_2.sql",
        "record.record_offset < newest.last",
        "record.record_offset <= newest.last",
        f"{INTEGRATION}/messaging/test_bus_behaviour.py::test_compaction_keeps_the_last_record_of_each_key[embedded]",
    ),
)

MESSAGING_RULES: Final = (*_outbox, *_slow, *_relay, *_policy, *_inbox, *_runner, *_others)
