"""The drill of issue 7: back up under load, lose everything or one database, restore elsewhere, and let the missing days arrive."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from guanxi_common.backup.dumping import make_backup
from guanxi_common.backup.restoring import customers_without_key, differences, restore_backup, unreadable_keys
from guanxi_common.keys.store import NoDataKey
from guanxi_common.keys.wrapping import LocalKeyWrapper
from guanxi_testing.databases import TestServer

from tests.restore.stand import Stand, empty_databases, fresh_databases, open_stand

pytestmark = pytest.mark.anyio


async def post_until(stop: asyncio.Event, stand: Stand, number: str, customer: UUID) -> None:
    """One posting after the other."""
    while not stop.is_set():
        await stand.post(number, customer, [stand.totals[customer][0]])


async def back_up(stand: Stand, folder: Path) -> tuple[Path, Path]:
    """As `guanxi backup` does: the keys apart and last."""
    others = {name: url for name, url in stand.urls.items() if name != "keys"}
    now = datetime.now(UTC)
    data = await make_backup(others, folder / "data", now)
    return data, await make_backup({"keys": stand.urls["keys"]}, folder / "keys", now)


async def test_d20_everything_is_lost_and_comes_back(postgres: TestServer, tmp_path: Path) -> None:
    async with fresh_databases(postgres) as urls, open_stand(urls, tmp_path) as before:
        busy = await before.register("100")
        early = await before.register("200", document="E55555555")
        await before.post("200", early, range(20))
        await before.seal_audit()
        stop = asyncio.Event()
        loading = asyncio.create_task(post_until(stop, before, "100", busy))
        data, keys = await back_up(before, tmp_path)
        stop.set()
        await loading
        late = await before.register("300")
        await before.post("300", late, range(5))
        await before.seal_audit()
        totals = dict(before.totals)
    async with empty_databases(postgres) as urls:
        for folder, names in ((data, ("customer", "engagement", "scoring", "bus")), (keys, ("keys",))):
            assert await differences(await restore_backup(folder, urls, names), urls) == []
        assert await customers_without_key(urls["customer"], urls["keys"]) == []
        async with open_stand(urls, tmp_path) as after:
            assert await unreadable_keys(urls["keys"], LocalKeyWrapper(after.masters)) == 0
            contact = await after.open_file(early)
            assert contact is not None
            assert contact.identity is not None
            assert contact.identity.number == "E55555555"
            # Core banking sends again what it sent since the backup, and before: each posting counts once.
            assert set(await after.post("200", early, range(20))) == {"duplicate"}
            await after.post("100", busy, range(totals[busy][0]))
            new = await after.register("300")
            await after.post("300", new, range(5))
            expected = {busy: totals[busy], early: totals[early], new: totals[late]}
            await after.caught_up(expected, {busy, early, new})


async def test_d20_a_lost_consumer_reads_on_where_its_backup_ended(postgres: TestServer, tmp_path: Path) -> None:
    """The log and the owner are further than the restored databases, and the log believes that they have read it all."""
    async with fresh_databases(postgres) as urls:
        async with open_stand(urls, tmp_path) as before:
            early = await before.register("200")
            await before.post("200", early, range(20))
            await before.caught_up(before.totals, {early})
            data, _ = await back_up(before, tmp_path)
            late = await before.register("300")
            await before.post("300", late, range(5))
            await before.post("200", early, range(10, 30))
            await before.caught_up(before.totals, {early, late})
            totals = dict(before.totals)
        async with empty_databases(postgres, ("engagement", "scoring")) as restored:
            await restore_backup(data, restored, tuple(restored))
            async with open_stand({**urls, **restored}, tmp_path) as after:
                await after.caught_up(totals, {early, late})


async def test_d20_who_was_erased_after_the_backup_stays_erased(postgres: TestServer, tmp_path: Path) -> None:
    async with fresh_databases(postgres) as urls, open_stand(urls, tmp_path) as before:
        gone, stays = await before.register("400"), await before.register("200")
        await before.post("400", gone, range(3))
        await before.post("200", stays, range(3))
        await before.close_account("400")
        await before.caught_up(before.totals, {gone, stays})
        assert {"customer.customer_contact", "engagement.customer", "scoring.ledger_entry"} <= (await before.rows_of(gone)).keys()
        data, keys = await back_up(before, tmp_path)
        await before.erase(gone)
        await before.caught_up(before.totals, {stays})
        assert await before.rows_of(gone) == {}
        totals = dict(before.totals)
    async with empty_databases(postgres) as urls:
        for folder, names in ((data, ("customer", "engagement", "scoring", "bus")), (keys, ("keys",))):
            await restore_backup(folder, urls, names)
        async with open_stand(urls, tmp_path) as after:
            assert await after.rows_of(gone) == {}
            with pytest.raises(NoDataKey):
                await after.keys.get(gone)
            # What core banking sends again of the closed account counts in the bank's sums, and reaches nobody else.
            assert set(await after.post("400", gone, range(5))) == {"duplicate", "created"}
            new = await after.register("500")
            await after.caught_up({**totals, new: (0, 0)}, {stays, new})
            assert await after.rows_of(gone) == {}
