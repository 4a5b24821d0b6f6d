"""The rules of backups, restores, erasures and digests; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import INTEGRATION, UNIT, Rule

MANIFEST: Final = f"{UNIT}/backup/test_manifest.py"
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

RESTORE_RULES: Final = _backups
