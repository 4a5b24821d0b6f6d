"""The rules of D20: epochs, snapshots published anew, rebuilds from the bus."""

from typing import Final

from tests.mutants.rules import ENVELOPES, INTEGRATION, POLICY, UNIT, Rule

DIRECTORY: Final = f"{INTEGRATION}/security/test_directory.py::test_d20_every_replica_takes_a_lower_version_of_a_later_epoch"

_epochs = (
    Rule(
        "the first change of a later epoch is a baseline",
        "guanxi_common/messaging/policy.py",
        "version.epoch == last.epoch and version.number > last.number + 1",
        "version.number > last.number + 1",
        POLICY,
    ),
    Rule(
        "a later epoch ends the waiting of an earlier one",
        "guanxi_common/messaging/policy.py",
        '            self._drop(waiting.pop(outlived), "stale")\n',
        "            break\n",
        POLICY,
    ),
    Rule(
        "versions of a later epoch are newer whatever their number",
        "guanxi_common/messaging/policy.py",
        "    if version <= last:",
        "    if version.number <= last.number:",
        POLICY,
    ),
    Rule(
        "the epoch travels with changes and snapshots",
        "guanxi_common/messaging/outbox/append.py",
        "    epoch = FIRST_EPOCH if version is None else await epoch_in_force(uow)",
        "    epoch = FIRST_EPOCH",
        f"{ENVELOPES}::test_d20_what_has_a_version_carries_the_epoch_in_force_tombstones_too_and_facts_do_not",
    ),
    Rule(
        "a tombstone carries the epoch too",
        "guanxi_common/messaging/outbox/append.py",
        "    epoch = await epoch_in_force(uow)",
        "    epoch = FIRST_EPOCH",
        f"{ENVELOPES}::test_d20_what_has_a_version_carries_the_epoch_in_force_tombstones_too_and_facts_do_not",
    ),
    Rule(
        "a replica of the book compares epochs before versions",
        "guanxi_common/security/directory/repository.py",
        "kept.customer_id = new.customer_id AND (kept.epoch, kept.version) <= (new.epoch, new.version)",
        "kept.customer_id = new.customer_id AND kept.version <= new.version",
        DIRECTORY,
    ),
    Rule(
        "who comes back in the batch of its tombstone stays",
        "guanxi_common/messaging/envelope.py",
        "    return list(newest.values())",
        "    return list(events)",
        DIRECTORY,
    ),
)

_RESTORED: Final = "services/customer-svc/tests/integration/snapshots/test_d20_restored.py"

_restored = (
    Rule(
        "an epoch is later than any that the backup cannot know",
        "guanxi_common/recovery/epochs.py",
        "    return max(current + 1, int(now.timestamp()))",
        "    return current + 1",
        f"{UNIT}/recovery/test_d20_next_epoch.py",
    ),
    Rule(
        "nothing is published anew before the transactions of the old epoch have ended",
        "guanxi_common/recovery/republication.py",
        'row["oldest"] < row["horizon"] or ',
        "",
        f"{_RESTORED}::test_d20_what_was_begun_in_the_old_epoch_is_published_anew_with_all_else",
    ),
    Rule(
        "publishing anew goes on where it was",
        "guanxi_common/recovery/republication.py",
        'publish(uow, row["cursor"], batch)',
        "publish(uow, None, batch)",
        f"{_RESTORED}::test_d20_after_a_kill_the_job_goes_on_where_it_was",
    ),
    Rule(
        "what could not be published anew is tried again and counted",
        "customer_svc/customers/changes.py",
        "    await note_failed(work.uow, republication.QUEUE, failed, work.now)\n",
        "",
        f"{_RESTORED}::test_d20_a_key_that_cannot_be_opened_is_one_customer_s_failure_and_is_not_done_until_it_is_published",
        "services/customer-svc",
    ),
    Rule(
        "a raised epoch has the snapshots published anew",
        "guanxi_common/recovery/epochs.py",
        "    await republication.supersede(uow, name_of(epoch))\n",
        "",
        f"{_RESTORED}::test_d20_all_snapshots_are_published_anew_at_their_versions_in_the_new_epoch",
    ),
)

_REBUILDS: Final = "guanxi_common/recovery/rebuilds.py"
_REBUILT: Final = "tests/recovery/test_d20_restore_and_rebuild.py"
_LAG: Final = f"{INTEGRATION}/messaging/test_d20_rebuild_with_lag.py"
_AGAIN: Final = f"{INTEGRATION}/messaging/test_d20_read_again.py"

_rebuilds = (
    Rule(
        "what is read again tells no event",
        "guanxi_common/messaging/outbox/append.py",
        "    if not rows or uow.replaying:",
        "    if not rows:",
        _AGAIN,
    ),
    Rule(
        "what is read again wakes nobody",
        "guanxi_common/jobs.py",
        "        if not uow.replaying:\n",
        "        if True:\n",
        _AGAIN,
    ),
    Rule(
        "what is read again is applied though its id is known",
        "guanxi_common/messaging/processing.py",
        "if event_id not in known}",
        "if True}",
        _AGAIN,
    ),
    Rule(
        "only what lay in the log when the rebuild began is read again",
        "guanxi_common/messaging/positions.py",
        "    return record.offset < again.get",
        "    return record.offset <= again.get",
        _AGAIN,
    ),
    Rule(
        "what the group had not read yet is no repetition",
        _REBUILDS,
        "nullif(greatest(log.first, least(log.until, greatest(kept.position, kept.replay_until))), log.first)",
        "log.until",
        f"{_LAG}::test_d20_what_the_group_had_not_read_yet_has_its_effects_once_and_what_it_had_none_again",
    ),
    Rule(
        "a rebuild after a cancelled one knows what had its effects",
        _REBUILDS,
        "greatest(kept.position, kept.replay_until)",
        "kept.position",
        f"{_LAG}::test_d20_a_rebuild_after_one_that_was_given_up_half_way_knows_what_had_its_effects",
    ),
    Rule(
        "in another log nothing counts as read before",
        "guanxi_common/messaging/positions.py",
        "if again.get(at, 0) > end)",
        "if again.get(at, 0) > end > 10**9)",
        f"{_LAG}::test_d20_nothing_of_a_log_that_was_made_anew_counts_as_read_before",
    ),
    Rule(
        "dead letters of a topic whose records expire survive a rebuild",
        _REBUILDS,
        "            for statement in _FORGET if replica.tables else ():\n",
        "            for statement in _FORGET:\n",
        f"{_LAG}::test_d20_letters_that_the_topic_no_longer_has_are_replayed_after_a_rebuild",
    ),
    Rule(
        "a fact that waits is not applied when it is read again",
        "guanxi_common/messaging/policy.py",
        "        if arrival.again and arrival.place in self._held:",
        "        if False:",
        f"{_LAG}::test_d20_letters_that_the_topic_no_longer_has_are_replayed_after_a_rebuild",
    ),
    Rule(
        "nothing is removed while dead letters of the topic are open",
        _REBUILDS,
        "            raise LettersOpen",
        "            LettersOpen",
        f"{_LAG}::test_d20_nothing_is_removed_while_a_snapshot_of_the_topic_is_a_dead_letter",
    ),
    Rule(
        "a letter that was settled is open again when its record fails once more",
        "guanxi_common/messaging/inbox_statements.py",
        "WHERE dead_letter.resolved_at IS NOT NULL\n",
        "WHERE false\n",
        f"{_LAG}::test_d20_nothing_is_removed_while_a_snapshot_of_the_topic_is_a_dead_letter",
    ),
    Rule(
        "who is in the topic in an older epoch only is nobody's",
        _REBUILDS,
        "            AND seen.epoch = (SELECT max(epoch) FROM inbox_version WHERE consumer = $1 AND topic = $2))",
        "    )",
        f"{_REBUILT}::test_d20_the_owner_is_restored_one_hour_back_and_all_replicas_follow",
    ),
    Rule(
        "nothing is concluded from a topic without records",
        _REBUILDS,
        "    AND EXISTS (SELECT FROM inbox_version WHERE consumer = $1 AND topic = $2) LIMIT $3)",
        "    LIMIT $3)",
        f"{_REBUILT}::test_d20_nothing_is_concluded_from_a_topic_that_has_lost_its_records",
    ),
    Rule(
        "commands wait for the replicas that they are judged by",
        _REBUILDS,
        "            await uow.driver.execute(_HOLD, self._group, list(replica.holds))\n",
        "",
        f"{_REBUILT}::test_d20_wiped_and_spoiled_replicas_are_rebuilt_over_a_kill_and_nothing_else_happens",
    ),
    Rule(
        "the same snapshot again puts a row right",
        "guanxi_common/security/directory/repository.py",
        "AND (kept.epoch, kept.version) <= (new.epoch, new.version)",
        "AND (kept.epoch, kept.version) < (new.epoch, new.version)",
        f"{INTEGRATION}/security/test_directory.py::test_d20_the_same_book_again_puts_right_what_has_gone_wrong_with_its_rows",
    ),
    Rule(
        "conclusions rest while a replica is rebuilt",
        _REBUILDS,
        "        return 0 if await is_open(uow) else await job.run(uow)",
        "        return await job.run(uow)",
        f"{_REBUILT}::test_d20_what_concludes_from_replicas_rests_while_they_are_rebuilt",
    ),
    Rule(
        "days that no entry accounts for go",
        "scoring_svc/ledger/recount.py",
        "        *await uow.driver.fetch(_DROP_WRONG, customers),\n",
        "",
        f"{_REBUILT}::test_d20_the_ledger_is_completed_and_its_days_are_counted_anew_and_nobody_is_told",
        "services/scoring-svc",
    ),
)

EPOCHS_RULES: Final = (*_epochs, *_restored, *_rebuilds)
