"""The rules of backups, restores, erasures and digests; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import INTEGRATION, UNIT, Rule

MANIFEST: Final = f"{UNIT}/backup/test_manifest.py"
CUSTOMER: Final = "services/customer-svc"
ERASURE: Final = f"{CUSTOMER}/tests/integration/erasures/test_c16_erasure.py"
TOMBSTONES: Final = f"{INTEGRATION}/messaging/test_d20_tombstones.py"
DIGESTS: Final = f"{UNIT}/digests/test_digest_policy.py"
TAKEN: Final = f"{INTEGRATION}/messaging/test_d20_digests_taken.py"
HOUSE: Final = "tests/restore/test_digests.py"
DRILL: Final = "tests/restore/test_drill.py"
BACKUP: Final = f"{INTEGRATION}/backup/test_backup.py"

_backups = (
    Rule(
        "a dump that was changed is noticed by its hash",
        "guanxi_common/backup/manifest.py",
        "    return None if digest_of(file) == dump.sha256 else",
        "    return None if dump.sha256 else",
        f"{MANIFEST}::test_a_dump_that_is_not_the_one_made_is_noticed",
    ),
    Rule(
        "a key backup lives at most thirty days",
        "guanxi_common/backup/manifest.py",
        "if now - made_at > KEYS_KEPT",
        "if now < made_at",
        f"{MANIFEST}::test_d20_a_key_backup_lives_at_most_thirty_days",
    ),
    Rule(
        "only an empty database is restored into",
        "guanxi_common/backup/restoring.py",
        "if await connection.fetchval(_TABLES) else []",
        "if False else []",
        f"{BACKUP}::test_nothing_is_written_where_a_database_is_occupied_or_a_file_was_changed",
    ),
    Rule(
        "a restored audit log ends at the head of the manifest",
        "guanxi_common/backup/restoring.py",
        "        if last is None or (last.size, last.root.hex()) != (dump.audit_size, dump.audit_root):",
        "        if False:",
        f"{BACKUP}::test_a_restored_database_that_was_tampered_with_is_noticed",
    ),
    Rule(
        "a backup that breaks off is taken away",
        "guanxi_common/backup/dumping.py",
        "        shutil.rmtree(partial, ignore_errors=True)\n        raise",
        "        raise",
        f"{BACKUP}::test_a_backup_that_breaks_off_leaves_nothing",
    ),
)

_erasures = (
    Rule(
        "a line of the list of erasures continues the chain",
        "guanxi_common/erasure/records.py",
        "        if told != number + 1 or line_of(told, erasure, last) != line:",
        "        if told != number + 1:",
        f"{UNIT}/erasure/test_erasure_list.py::test_d20_a_list_that_was_tampered_with_is_refused",
    ),
    Rule(
        "a line that a kill cut off makes room",
        "guanxi_common/erasure/records.py",
        "            file.truncate(end)\n            file.seek(end)\n",
        "",
        f"{UNIT}/erasure/test_erasure_list.py::test_a_line_cut_off_by_a_kill_was_never_acknowledged",
    ),
    Rule(
        "two processes do not append to the list of erasures at once",
        "guanxi_common/erasure/records.py",
        "            fcntl.flock(file, fcntl.LOCK_EX)\n",
        "",
        f"{UNIT}/erasure/test_erasure_list.py::test_many_append_at_once",
    ),
    Rule(
        "a list that lacks known erasures is not the list",
        "guanxi_common/erasure/replay.py",
        "        if missing := known - {erasure.customer_id for erasure in listed}:",
        "        if missing := set[UUID]():",
        f"{ERASURE}::test_d20_a_list_that_lacks_known_erasures_is_not_the_list",
    ),
    Rule(
        "a tombstone erases only whom the list of erasures names",
        "guanxi_common/erasure/consumers.py",
        "            if event.key not in self._known:\n",
        "            if False:\n",
        TOMBSTONES,
    ),
    Rule(
        "a tombstone that nobody asked for takes no version",
        "guanxi_common/messaging/policy.py",
        "            self.versions.clear()  # of the one event that the plan has\n",
        "",
        TOMBSTONES,
    ),
    Rule(
        "rows that were under way at an erasure go later",
        "guanxi_common/erasure/replay.py",
        " or erasure.erased_at > since]",
        "]",
        f"{ERASURE}::test_d20_rows_that_were_under_way_go_within_a_day",
    ),
    Rule(
        "consumers drop what comes later of an erased customer",
        "guanxi_common/erasure/consumers.py",
        "        kept = [event for event in events if event.key not in erased or _is_tombstone(event)]",
        "        kept = list(events)",
        f"{DRILL}::test_d20_who_was_erased_after_the_backup_stays_erased",
    ),
    Rule(
        "an erasure that is completed later names who asked for it",
        "customer_svc/erasures/service.py",
        "work.now, work.actor)",
        "work.now)",
        "services/customer-svc/tests/integration/erasures/test_c16_erasure.py::test_d20_what_a_kill_left_half_done_is_completed",
        package="services/customer-svc",
    ),
    Rule(
        "an erasure is on the list before anything is destroyed",
        "customer_svc/erasures/service.py",
        "        await anyio.to_thread.run_sync(rules.listed.append, erasure)\n",
        "        pass\n",
        f"{ERASURE}::test_d20_without_the_list_nothing_is_erased",
        CUSTOMER,
    ),
    Rule(
        "an open account refuses an erasure",
        "customer_svc/erasures/service.py",
        "    if await repository.count_open_accounts(work.uow, customer_id):",
        "    if False:",
        f"{ERASURE}::test_c16_an_open_account_refuses_it_and_leaves_no_line",
        CUSTOMER,
    ),
    Rule(
        "nobody erases within a book",
        "customer_svc/erasures/repository.py",
        "    if scope.kind is not ScopeKind.ALL:",
        "    if False:",
        f"{ERASURE}::test_c16_nobody_erases_within_a_book",
        CUSTOMER,
    ),
    Rule(
        "a search finds no erased customer",
        "customer_svc/customers/repository.py",
        "        .where(_in_scope(scope, now), _customer.c.erased_at.is_(None), after(order, past))",
        "        .where(_in_scope(scope, now), after(order, past))",
        f"{ERASURE}::test_c16_nothing_is_left_but_what_sums_need",
        CUSTOMER,
    ),
)

_digests = (
    Rule(
        "a difference is told when it stays and both sides stood still",
        "guanxi_common/digests/policy.py",
        "if before.get(bucket) == difference)",
        "if bucket in before)",
        f"{DIGESTS}::test_d20_a_difference_is_told_when_it_stays",
    ),
    Rule(
        "what waits behind a blocked key keeps no digest from being taken",
        "guanxi_common/digests/taking.py",
        "WHERE published_at IS NULL AND blocked_at IS NULL AND sequence <= $1)",
        "WHERE published_at IS NULL AND sequence <= $1)",
        f"{TAKEN}::test_d20_what_waits_behind_a_blocked_key_keeps_no_digest_from_being_taken",
    ),
    Rule(
        "a consumer compares past the offsets only",
        "guanxi_common/digests/policy.py",
        "    return all(positions.get(place, 0) >= offset for place, offset in offsets.items())",
        "    return True",
        f"{DIGESTS}::test_d20_a_consumer_compares_past_the_offsets_only",
    ),
    Rule(
        "a digest sees one row that is missing",
        "guanxi_common/digests/policy.py",
        "for bucket, (theirs, ours) in sums.items() if theirs != ours}",
        "for bucket, (theirs, ours) in sums.items() if theirs > 2**64}",
        f"{DIGESTS}::test_d20_one_row_is_noticed_in_its_bucket",
    ),
    Rule(
        "the ledger's digest knows reversals",
        "scoring_svc/digests/service.py",
        "CASE WHEN r.entry_id IS NOT NULL THEN 'reversed' END",
        "NULL",
        f"{HOUSE}::test_d20_a_day_of_load_is_silent_and_one_row_is_told",
        "services/scoring-svc",
    ),
    Rule(
        "erased customers are in no digest",
        "customer_svc/digests/service.py",
        " AND p.booked_on <= $1 AND c.erased_at IS NULL",
        " AND p.booked_on <= $1",
        f"{HOUSE}::test_d20_a_day_of_load_is_silent_and_one_row_is_told",
        CUSTOMER,
    ),
    Rule(
        "a day after the last comparison is not answered for",
        "customer_svc/reconciliations/policy.py",
        "if self.as_of is None or day > self.as_of else",
        "if self.as_of is None else",
        f"{CUSTOMER}/tests/unit/reconciliations/test_d20_ledger_state.py",
        CUSTOMER,
    ),
)

RESTORE_RULES: Final = (*_backups, *_erasures, *_digests)
