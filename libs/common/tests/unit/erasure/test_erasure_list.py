"""The list of erasures: what is on it stays on it, and what was done to it is noticed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from guanxi_common.erasure.records import Erasure, ErasureListBroken, FileErasureList, line_of, read_lines

AT = datetime(2026, 11, 28, 8, tzinfo=UTC)
THREE = [Erasure(UUID(int=n), AT + timedelta(seconds=n)) for n in range(3)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "erasures" / "list.jsonl"


@pytest.fixture
def kept(file: Path) -> FileErasureList:
    erasures = FileErasureList(file)
    for erasure in THREE:
        erasures.append(erasure)
    return erasures


def test_a_list_never_written_is_empty(file: Path) -> None:
    assert list(FileErasureList(file).read()) == []
    assert not file.exists()


def test_erasures_are_read_in_order_by_their_owner_alone(kept: FileErasureList, file: Path) -> None:
    assert list(kept.read()) == THREE
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_chain_is_the_documented_one() -> None:
    """SHA-256 over the hash before (64 zeros at first) and the JSON of number, customer and time; reckoned by hand with sha256sum."""
    digest = "37fa7fc5788977e6842bcfb5af850f51ececdcc9fbb4a90d176b93e79144b0eb"
    assert line_of(1, THREE[0], "0" * 64).decode() == (
        f'[1, "00000000-0000-0000-0000-000000000000", "2026-11-28T08:00:00+00:00", "{digest}"]\n'
    )


def test_who_asked_stands_in_the_line_and_beside_lines_that_name_nobody(kept: FileErasureList, file: Path) -> None:
    asked = Erasure(UUID(int=9), AT, "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02")
    kept.append(asked)
    assert list(kept.read()) == [*THREE, asked]
    file.write_bytes(file.read_bytes().replace(b"7c0a2a3e", b"8c0a2a3e"))
    with pytest.raises(ErasureListBroken):
        kept.read()


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[2]],
        lambda lines: [lines[0], lines[2], lines[1]],
        lambda lines: [*lines, lines[2]],
        lambda lines: [lines[0].replace(b"08:00:00", b"08:00:01"), *lines[1:]],
        lambda lines: [lines[0], b"{}\n", lines[2]],
        lambda lines: [lines[0], b"not JSON\n", lines[2]],
        lambda lines: [lines[0], line_of(2, THREE[2], "0" * 64)],
    ],
    ids=[
        "one removed",
        "the first removed",
        "two exchanged",
        "one twice",
        "changed",
        "other JSON",
        "no JSON",
        "of another chain",
    ],
)
def test_d20_a_list_that_was_tampered_with_is_refused(kept: FileErasureList, file: Path, change: object) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(change(lines)))  # type: ignore[operator]
    with pytest.raises(ErasureListBroken):
        kept.read()
    with pytest.raises(ErasureListBroken):
        kept.append(THREE[0])


def test_a_line_cut_off_by_a_kill_was_never_acknowledged(kept: FileErasureList, file: Path) -> None:
    whole = file.read_bytes()
    for cut in range(1, 80, 7):
        file.write_bytes(whole + line_of(4, THREE[0], "0" * 64)[:cut])
        assert list(kept.read()) == THREE
    kept.append(THREE[1])
    assert list(kept.read()) == [*THREE, THREE[1]]


def test_many_append_at_once(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: FileErasureList(file).append(Erasure(UUID(int=n), AT)), range(40)))
    assert sorted(erasure.customer_id.int for erasure in FileErasureList(file).read()) == list(range(40))


def test_an_empty_chain_begins_at_zero() -> None:
    assert read_lines([]) == (0, "0" * 64, [])
