"""Replaying a file: checked first, in parallel batches, resumable, and changing nothing the second time."""

from pathlib import Path

import pytest
from guanxi_common.http.client import ApiClient, ApiError
from guanxi_sandbox.console import progress_bars
from guanxi_sandbox.intake import Rejection, replay
from guanxi_sandbox.shift import Shift
from guanxi_sandbox.state import StateFile
from guanxi_sandbox.transactions import DatasetError
from rich.console import Console

pytestmark = pytest.mark.anyio

FIXTURE = Path(__file__).parents[4] / "tests/fixtures/berka_20_accounts.csv"
ROWS = 954


async def no_pause(_seconds: float) -> None:
    """Does not wait."""


async def run(bank, folder, dataset=FIXTURE, **options):
    async with bank.client() as http:
        api = ApiClient(http, "core", attempts=2, pause=no_pause)
        return await replay(api, dataset, StateFile(folder / "sandbox.json"), **{"size": 100} | options)


async def test_all_rows_are_posted_and_parked_without_accounts(bank, tmp_path):
    report = await run(bank, tmp_path)
    assert report.statuses == {"parked": ROWS}
    assert max(bank.batch_sizes) <= 100
    assert sum(bank.batch_sizes) == ROWS


async def test_an_accounts_postings_keep_the_order_of_the_file(bank, tmp_path):
    await run(bank, tmp_path)
    told = [line.split(",") for line in FIXTURE.read_text(encoding="utf-8").splitlines()[1:]]
    for account in {row[1] for row in told}:
        arrived = [posting["external_id"] for posting in bank.postings.values() if posting["account_number"] == account]
        assert arrived == [row[2] for row in told if row[1] == account]


async def test_a_second_replay_posts_again_and_changes_nothing(bank, tmp_path):
    await run(bank, tmp_path)
    before = dict(bank.postings)
    report = await run(bank, tmp_path)
    assert report.statuses == {"duplicate": ROWS}
    assert bank.postings == before


async def test_an_interrupted_replay_goes_on_where_it_stopped(bank, tmp_path):
    bank.fail_after = 14
    with pytest.raises(ApiError):
        await run(bank, tmp_path)
    (position,) = StateFile(tmp_path / "sandbox.json").state.replays.values()
    assert 0 < position < ROWS
    bank.fail_after = None
    report = await run(bank, tmp_path)
    assert report.statuses.total() == ROWS - position
    assert len(bank.postings) == ROWS
    assert StateFile(tmp_path / "sandbox.json").state.replays == {}


async def test_a_file_with_an_error_posts_nothing(bank, tmp_path):
    lines = FIXTURE.read_text(encoding="utf-8").splitlines()
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join([*lines, lines[-1].replace("CZK", "crowns")]), encoding="utf-8")
    with pytest.raises(DatasetError, match=f"line {ROWS + 2}, column currency"):
        await run(bank, tmp_path, bad)
    assert bank.requests == 0


async def test_rejections_are_listed_by_position_and_the_others_go_on(bank, tmp_path):
    await run(bank, tmp_path)
    lines = FIXTURE.read_text(encoding="utf-8").splitlines()
    changed = tmp_path / "changed.csv"
    changed.write_text("\n".join([*lines[:151], lines[151].replace(",CZK,", "0,CZK,"), *lines[152:]]), encoding="utf-8")
    report = await run(bank, tmp_path, changed)
    assert report.rejections == [Rejection(150, "content_differs")]
    assert report.statuses == {"duplicate": ROWS - 1, "rejected": 1}


async def test_a_shift_moves_the_dates(bank, tmp_path):
    await run(bank, tmp_path, shift=Shift(1_703))
    assert max(posting["booked_on"] for posting in bank.postings.values()) == "2026-11-17"


async def test_progress_is_shown(bank, tmp_path):
    console = Console(record=True, force_terminal=True, width=120)
    with progress_bars(console) as progress:
        await run(bank, tmp_path, progress=progress)
    assert f"{ROWS}/{ROWS}" in console.export_text()
