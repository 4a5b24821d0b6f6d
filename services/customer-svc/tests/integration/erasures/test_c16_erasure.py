"""Erasing a customer: decided once on the list, then done until it is complete."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from anyio import from_thread
from customer_svc.customers.repository import Criteria, customer_is_visible, search_customers
from customer_svc.erasures.errors import AccountsOpen, ErasureListAway
from customer_svc.erasures.service import ErasureRules, completing, erase_customer
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.erasure.records import Erasure, ErasureListBroken, FileErasureList
from guanxi_common.erasure.replay import ErasureWatch
from guanxi_common.errors import NotFound
from guanxi_common.security.principal import SYSTEM_SCOPE, AuditContext, Purpose, RowScope, ScopeKind

pytestmark = pytest.mark.anyio


class Keys:
    """A key store that remembers whose keys were destroyed."""

    def __init__(self) -> None:
        self.destroyed: list[Any] = []

    async def delete(self, customer_id: Any) -> None:
        self.destroyed.append(customer_id)


OFFICER = "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02"


class Office:
    """The office that erases; `desk` has the customer."""

    def __init__(self, desk: Any, folder: Path) -> None:
        self.desk = desk
        self.database: Database = desk.database
        self.keys = Keys()
        self.file_of_list = folder / "list.jsonl"
        self.list = FileErasureList(self.file_of_list)
        self.rules = ErasureRules(self.list, self.keys)  # type: ignore[arg-type]  # all that they ask of a key store
        self.watch = ErasureWatch(self.database, self.list, completing(self.keys), ManualClock(desk.now))  # type: ignore[arg-type]

    async def erase(self, scope: RowScope = SYSTEM_SCOPE, *, commit: bool = True) -> None:
        async with self.database.transaction() as uow:
            audit = AuditContext(OFFICER, "eraseCustomer", Purpose.OPERATIONS, None)
            work = replace(self.desk.work(uow), scope=scope, audit=audit)
            await erase_customer(work, self.rules, self.desk.customer)
            if commit:
                await uow.commit()

    async def is_seen(self) -> bool:
        async with self.database.transaction(readonly=True) as uow:
            found = await search_customers(uow, SYSTEM_SCOPE, Criteria(), self.desk.now, past=None, limit=10)
            return bool(found) or await customer_is_visible(uow, SYSTEM_SCOPE, self.desk.customer, self.desk.now)

    async def file(self) -> Any:
        return (await self.desk.fetch("SELECT * FROM customer"))[0]


@pytest.fixture
async def office(desk: Any, tmp_path: Path) -> Office:
    return Office(desk, tmp_path)


async def open_account(desk: Any, closed_on: date | None) -> None:
    async def insert(uow: UnitOfWork) -> None:
        await uow.driver.execute(
            "INSERT INTO account (id, source, account_number, customer_id, product_code, currency, opened_on, closed_on)"
            " VALUES ($1, 'core', '1', $2, 'current', 'CNY', '2020-01-01', $3)",
            uuid4(),
            desk.customer,
            closed_on,
        )

    await desk.write(insert)


async def test_c16_nothing_is_left_but_what_sums_need(office: Office) -> None:
    await open_account(office.desk, date(2026, 11, 1))
    await office.erase()
    file = await office.file()
    values = (file["customer_number"], file["name"], file["name_terms"], file["birth_date"], file["sex"])
    assert values == (f"erased:{office.desk.customer}", "", [], None, None)
    for table in ("customer_contact", "book_assignment", "consent"):
        assert await office.desk.fetch(f"SELECT * FROM {table}") == []  # noqa: S608  # names of ours
    assert len(await office.desk.fetch("SELECT * FROM account")) == 1
    assert office.keys.destroyed == [office.desk.customer]
    assert not await office.is_seen()


async def test_c16_it_is_told_once_as_the_last_change_and_by_a_tombstone(office: Office) -> None:
    await office.erase()
    await office.watch.check()
    assert await office.desk.told() == [
        ("customer.erased", 2, {"customer_id": str(office.desk.customer)}),
        ("customer.snapshot", 2, {}),
    ]
    assert (await office.file())["version"] == 2


async def test_c16_an_open_account_refuses_it_and_leaves_no_line(office: Office) -> None:
    await open_account(office.desk, None)
    with pytest.raises(AccountsOpen):
        await office.erase()
    assert (list(office.list.read()), office.keys.destroyed) == ([], [])


@pytest.mark.parametrize("kind", [ScopeKind.OWN, ScopeKind.OUTLET])
async def test_c16_nobody_erases_within_a_book(office: Office, kind: ScopeKind) -> None:
    with pytest.raises(NotFound):
        await office.erase(RowScope(kind, office.desk.rm))
    assert list(office.list.read()) == []


async def test_c16_an_erased_customer_is_not_found_again(office: Office) -> None:
    await office.erase()
    with pytest.raises(NotFound):
        await office.erase()
    assert len(office.list.read()) == 1


async def test_d20_without_the_list_nothing_is_erased(office: Office, tmp_path: Path) -> None:
    office.rules = replace(office.rules, listed=FileErasureList(tmp_path))  # a folder: no file can be written there
    with pytest.raises(ErasureListAway):
        await office.erase()
    assert office.keys.destroyed == []
    assert await office.is_seen()


async def test_d20_what_a_kill_left_half_done_is_completed(office: Office) -> None:
    await office.erase(commit=False)
    assert await office.is_seen()
    await office.watch.check()
    assert not await office.is_seen()
    assert [kind for kind, _, _ in await office.desk.told()] == ["customer.erased", "customer.snapshot"]
    await office.watch.check()
    entries = await office.desk.fetch("SELECT actor, action, subject_id, fields FROM audit_entry")
    fields = ["erasure", f"asked_by:{OFFICER}"]
    assert [tuple(entry) for entry in entries] == [("system:erasures", "eraseCustomer", str(office.desk.customer), fields)]


async def test_d20_a_restored_database_erases_again_before_anything_is_served(office: Office) -> None:
    office.list.append(Erasure(office.desk.customer, office.desk.now - timedelta(days=90)))
    office.list.append(Erasure(uuid4(), office.desk.now))  # registered after the backup: not known here
    assert not office.watch.played
    await office.watch.check()
    assert office.watch.played
    assert not await office.is_seen()


async def test_d20_a_list_that_lacks_known_erasures_is_not_the_list(office: Office, tmp_path: Path) -> None:
    await office.erase()
    (tmp_path / "list.jsonl").unlink()
    with pytest.raises(ErasureListBroken):
        await office.watch.check()


async def test_d20_an_erasure_that_is_done_while_the_list_is_compared_breaks_nothing(office: Office) -> None:
    class Overtaken(FileErasureList):
        def read(self) -> Sequence[Erasure]:
            before = super().read()
            from_thread.run(office.erase)
            return before

    office.watch = ErasureWatch(
        office.database, Overtaken(office.file_of_list), completing(office.keys), ManualClock(office.desk.now)
    )  # type: ignore[arg-type]
    await office.watch.check()
    assert not await office.is_seen()


async def test_d20_rows_that_were_under_way_go_within_a_day(office: Office) -> None:
    await office.erase()
    customer = office.desk.customer

    async def write_late(uow: UnitOfWork) -> None:
        await uow.driver.execute("INSERT INTO tier_due (customer_id, since) VALUES ($1, now())", customer)

    await office.desk.write(write_late)
    await office.watch.check()
    assert await office.desk.fetch("SELECT * FROM tier_due") == []
