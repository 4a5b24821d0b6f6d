"""Logs and traces are of bounded size and nobody else's to read, also those that an earlier release left open."""

import fcntl
import os
import threading
from pathlib import Path

import pytest
from guanxi_common.private_files import PrivateRotatingLog, SharedRotatingFile, open_private, private_folder, shift


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_folder_and_files_that_were_open_to_others_are_closed(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o755)
    for name in ("one.log", "one.log.1", "traces.jsonl", "traces.jsonl.1"):
        (folder / name).touch(mode=0o644)
    private_folder(folder)
    PrivateRotatingLog(folder / "one.log", max_bytes=10, older_files=2).close()
    SharedRotatingFile(folder / "traces.jsonl", max_bytes=10, older_files=2).close()
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


def test_a_shared_file_keeps_its_size_and_its_number_of_older_files(tmp_path: Path) -> None:
    path = tmp_path / "spans" / "traces.jsonl"
    file = SharedRotatingFile(path, max_bytes=100, older_files=2)
    for number in range(100):
        file.append(b"%09d\n" % number)
    file.close()
    file.close()
    kept = sorted(path.parent.iterdir())
    assert [one.name for one in kept] == ["traces.jsonl", "traces.jsonl.1", "traces.jsonl.2"]
    assert all(one.stat().st_size <= 100 for one in kept)
    assert {mode(one) for one in kept} == {0o600}
    lines = [int(line) for one in reversed(kept) for line in one.read_text().split()]
    assert lines == list(range(70, 100))


def test_several_writers_lose_no_line_and_mix_none(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"

    def write(writer: int) -> None:
        file = SharedRotatingFile(path, max_bytes=2_000, older_files=40)
        for number in range(500):
            file.append(b"%d %04d\n" % (writer, number))
        file.close()

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    lines = [line for file in tmp_path.iterdir() for line in file.read_text().splitlines()]
    assert sorted(lines) == [f"{writer} {number:04d}" for writer in range(4) for number in range(500)]


def test_of_two_that_find_the_file_full_one_moves_it_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "traces.jsonl"
    first, second = (SharedRotatingFile(path, max_bytes=10, older_files=3) for _ in range(2))
    first.append(b"123456789\n")
    lock = fcntl.flock

    def overtaken(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        first.append(b"first\n")
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", overtaken)
    second.append(b"two\n")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "traces.jsonl": "first\ntwo\n",
        "traces.jsonl.1": "123456789\n",
    }
    first.close()
    second.close()


def test_a_file_that_somebody_removed_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    file = SharedRotatingFile(path, max_bytes=100, older_files=1)
    file.append(b"one\n")
    path.unlink()
    file.append(b"two\n")
    assert path.read_bytes() == b"two\n"
    file.close()


def test_older_files_move_on_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for text in ("a", "b", "c", "d"):
        path.write_text(text)
        shift(path, 2)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"log.1": "d", "log.2": "c"}


def test_a_device_keeps_its_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    changed: list[int] = []
    monkeypatch.setattr(os, "fchmod", lambda _, mode: changed.append(mode))
    os.close(open_private(Path(os.devnull)))
    assert changed == []
