"""D7: whatever comes first, what a service keeps of a customer's facets is the same in the end, and nothing of the erased."""

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.erasure.registry import PersonalTable
from guanxi_common.erasure.replay import erase_told
from guanxi_common.erasure.tables import ERASURE_TABLES
from guanxi_common.facets import FacetReplica, Values, facet_handler, keep, keeping, read_each
from guanxi_common.messaging.envelope import Envelope, Version
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.security.directory.tables import DIRECTORY_TABLES
from guanxi_common.set_aside.tables import SET_ASIDE_TABLES
from sqlalchemy.ext.asyncio import create_async_engine

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
NAMES = FacetReplica("customer.files", "file", "kept_name", {"name": "text", "seen_first": "text"}, first=("seen_first",))
AGREED = FacetReplica("customer.agreements", "agreed", "kept_agreed", {"detail": "jsonb"})
TABLES = (
    PersonalTable("kept_name", holds="identity", purpose="service"),
    PersonalTable("kept_agreed", holds="agreement", purpose="consent"),
)
COMPLETE = "SELECT name, detail, kept_name.version, agreed.version FROM kept_name JOIN kept_agreed agreed USING (customer_id)"
ROWS = "SELECT (SELECT count(*) FROM kept_name), (SELECT count(*) FROM kept_agreed)"
Told = tuple[FacetReplica, int, str | None]
"""A facet at a version, with its value; None is the tombstone."""


@pytest.fixture
async def uow(empty_database: str) -> AsyncIterator[UnitOfWork]:
    engine = create_async_engine(empty_database.replace("postgresql://", "postgresql+asyncpg://"))
    tables = [*DIRECTORY_TABLES, *ERASURE_TABLES, *SET_ASIDE_TABLES]
    async with engine.begin() as connection:
        await connection.run_sync(tables[0].metadata.create_all, tables=tables)
    await engine.dispose()
    database = Database(create_engine(empty_database, pool_size=1))
    async with database.transaction() as uow:
        versions = "customer_id uuid PRIMARY KEY, epoch bigint NOT NULL, version bigint NOT NULL"
        await uow.driver.execute(f"CREATE TABLE kept_name ({versions}, name text, seen_first text)")
        await uow.driver.execute(f"CREATE TABLE kept_agreed ({versions}, detail jsonb NOT NULL)")
        yield uow
    await database.dispose()


class _File(msgspec.Struct):
    value: str


async def _names(events: Sequence[Envelope]) -> list[Values]:
    return [(one.value, one.value) for one in read_each(events, _File)]


async def _agreed(events: Sequence[Envelope]) -> list[Values]:
    return [(json.dumps({"says": one.value}),) for one in read_each(events, _File)]


async def end(uow: UnitOfWork, keys: Sequence[str]) -> None:
    await erase_told(uow, TABLES, keys, ManualClock(NOW))


HANDLERS = {
    NAMES.topic: facet_handler(keeping(NAMES, _names), end),
    AGREED.topic: facet_handler(keeping(AGREED, _agreed), end),
}


def event(customer: UUID, told: Told, epoch: int = 1) -> Envelope:
    replica, version, value = told
    data = None if value is None else {"value": value}
    return Envelope(uuid4(), replica.type, replica.topic, str(customer), "/owner", NOW, data, version, epoch=epoch)


async def take(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    """As a consumer does: what comes together on one topic is one batch."""
    for topic, batch in itertools.groupby(events, key=lambda one: one.topic):
        await HANDLERS[topic](uow, list(batch))


async def outcomes(uow: UnitOfWork, told: Sequence[Told]) -> set[str]:
    """What is kept after every order of what was told."""
    found = set()
    for order in itertools.permutations(told):
        await uow.driver.execute("SAVEPOINT fresh")
        await take(uow, [event(CUSTOMER, one) for one in order])
        rows = [tuple(row) for row in await uow.driver.fetch(COMPLETE)]
        found.add(f"{rows} of {tuple(await uow.driver.fetchrow(ROWS))}")
        await uow.driver.execute("ROLLBACK TO SAVEPOINT fresh")
    return found


CUSTOMER = uuid4()


async def test_d7_in_every_order_the_newest_of_each_facet_is_kept(uow: UnitOfWork) -> None:
    told: list[Told] = [(NAMES, 1, "a"), (NAMES, 2, "b"), (NAMES, 7, "c"), (AGREED, 1, "yes"), (AGREED, 4, "no")]
    assert await outcomes(uow, told) == {"[('c', {'says': 'no'}, 7, 4)] of (1, 1)"}


async def test_d7_in_every_order_nothing_is_left_of_who_was_erased(uow: UnitOfWork) -> None:
    """The tombstone of one facet may come before, between and after what was told of the other."""
    told: list[Told] = [(NAMES, 1, "a"), (NAMES, 2, None), (AGREED, 1, "yes"), (AGREED, 2, "no"), (AGREED, 3, None)]
    assert await outcomes(uow, told) == {"[] of (0, 0)"}


async def test_d7_a_customer_is_complete_when_all_that_is_needed_is_there(uow: UnitOfWork) -> None:
    await take(uow, [event(CUSTOMER, (AGREED, 1, "yes"))])
    assert await uow.driver.fetch(COMPLETE) == []
    await take(uow, [event(CUSTOMER, (NAMES, 9, "a"))])
    assert len(await uow.driver.fetch(COMPLETE)) == 1


async def test_d7_an_owner_that_was_restored_counts_on_in_a_later_epoch_and_what_was_first_stays(uow: UnitOfWork) -> None:
    for epoch, version, name, kept in ((1, 9, "a", "a"), (2, 6, "b", "b"), (1, 10, "c", "b"), (2, 6, "d", "d")):
        await take(uow, [event(CUSTOMER, (NAMES, version, name), epoch)])
        assert tuple(await uow.driver.fetchrow("SELECT name, seen_first FROM kept_name")) == (kept, "a")


async def test_d7_many_customers_are_kept_in_one_statement(uow: UnitOfWork) -> None:
    customers = [uuid4() for _ in range(50)]
    gone = customers[7]
    await end(uow, [str(gone)])
    await keep(uow, NAMES, [(one, Version(1, 1), ("a", "a")) for one in customers])
    assert {row[0] for row in await uow.driver.fetch("SELECT customer_id FROM kept_name")} == {*customers} - {gone}


async def test_d7_an_event_that_does_not_fit_is_refused_without_its_values(uow: UnitOfWork) -> None:
    wrong = replace(event(CUSTOMER, (NAMES, 1, "a")), data={"value": 110101199003070000})
    with pytest.raises(PermanentError) as raised:
        await take(uow, [wrong])
    assert raised.value.event_id == wrong.id
    assert "110101199003070000" not in str(raised.value)
