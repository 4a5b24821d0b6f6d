"""What a backup's manifest notices, and how long a key backup lives."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from guanxi_common.backup.manifest import BackupError, Dump, Manifest, digest_of, folder_name, outlived

MADE = datetime(2026, 11, 28, 1, 2, 3, tzinfo=UTC)


def _backup(folder: Path) -> Manifest:
    file = folder / "customer.dump"
    file.write_bytes(b"rows")
    dump = Dump(file.name, digest_of(file), 4, "18.1", revision="20261125_1945", audit_size=7, audit_root="ab")
    made = Manifest(MADE, {"customer": dump})
    made.write(folder)
    return made


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = _backup(tmp_path)
    assert Manifest.read(tmp_path) == made
    assert Manifest.read(tmp_path).problems(tmp_path) == []


@pytest.mark.parametrize("content", [b"rowz", b"row", b"", None], ids=["changed", "cut off", "empty", "gone"])
def test_a_dump_that_is_not_the_one_made_is_noticed(tmp_path: Path, content: bytes | None) -> None:
    made = _backup(tmp_path)
    (tmp_path / "customer.dump").unlink()
    if content is not None:
        (tmp_path / "customer.dump").write_bytes(content)
    assert len(made.problems(tmp_path)) == 1


def test_a_file_outside_the_backup_is_refused(tmp_path: Path) -> None:
    """Though it is there, and the one that the manifest describes."""
    (tmp_path / "outside").write_bytes(b"")
    backup = tmp_path / "backup"
    backup.mkdir()
    made = Manifest(MADE, {"customer": Dump("../outside", digest_of(tmp_path / "outside"), 0, "18.1")})
    assert made.problems(backup) == ["'../outside' is not a name of a file"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "made_at": "x", "databases": {}}', '{"format": 1, "databases": []}']
)
def test_what_is_no_manifest_is_no_backup(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BackupError):
        Manifest.read(tmp_path)


def test_names_of_backups_sort_by_time() -> None:
    moments = [MADE + timedelta(microseconds=1) * n for n in (0, 1, 10, 1_000_000, 10**11)]
    assert sorted(map(folder_name, moments)) == list(map(folder_name, moments))


@pytest.mark.parametrize(
    ("age", "gone"), [(timedelta(days=30), False), (timedelta(days=30, seconds=1), True), (timedelta(0), False)]
)
def test_d20_a_key_backup_lives_at_most_thirty_days(age: timedelta, gone: bool) -> None:
    assert outlived([(Path("keys"), MADE)], MADE + age) == ([Path("keys")] if gone else [])
