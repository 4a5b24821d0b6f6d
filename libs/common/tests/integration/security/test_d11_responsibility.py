"""D11: deputies are part of row scope, and what is escalated reaches somebody who is here."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.security.directory import repository
from guanxi_common.security.directory.errors import NotInDirectory
from guanxi_common.security.directory.responsibility import owner_sql, read_escalations
from guanxi_common.security.directory.scope import visible_customers, visible_customers_sql
from guanxi_common.security.directory.tables import DIRECTORY_TABLES, BookAssignment
from guanxi_common.security.directory.values import Assignment, Book, Capacity, Outlet, Role, Staff
from guanxi_common.security.principal import Identity, RowScope, ScopeKind
from sqlalchemy import column, select, values
from sqlalchemy.ext.asyncio import create_async_engine

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
HEAD, REGION, NORTH, SOUTH = (UUID(int=n) for n in range(1, 5))
KEEPER, DEPUTY, MANAGER, LEADER, CHIEF = (UUID(int=n) for n in range(11, 16))

PEOPLE = {
    one.id: one
    for one in (
        Staff(KEEPER, "iss", "keeper", "李雷", "relationship_manager", NORTH, None, True, 1, deputy_id=DEPUTY),
        Staff(DEPUTY, "iss", "deputy", "韩梅梅", "relationship_manager", SOUTH, None, True, 1),
        Staff(LEADER, "iss", "leader", "张组长", "team_lead", NORTH, None, True, 1),
        Staff(MANAGER, "iss", "manager", "王经理", "outlet_manager", NORTH, None, True, 1),
        Staff(CHIEF, "iss", "chief", "赵行长", "outlet_manager", HEAD, None, True, 1),
    )
}


@pytest.fixture
async def uow(empty_database: str) -> AsyncIterator[UnitOfWork]:
    engine = create_async_engine(empty_database.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(DIRECTORY_TABLES[0].metadata.create_all, tables=list(DIRECTORY_TABLES))
    await engine.dispose()
    database = Database(create_engine(empty_database, pool_size=1))
    outlets = ((HEAD, None), (REGION, HEAD), (NORTH, REGION), (SOUTH, REGION))
    async with database.transaction() as uow:
        await repository.apply_outlets(uow, [Outlet(one, above, str(one), "网点", "outlet", 1) for one, above in outlets])
        await repository.apply_roles(uow, [Role("relationship_manager", {"customer.read": ScopeKind.OWN}, 1)])
        await repository.apply_staff(uow, list(PEOPLE.values()))
        yield uow
    await database.dispose()


async def change(uow: UnitOfWork, staff_id: UUID, **facts: object) -> None:
    await repository.apply_staff(uow, [replace(PEOPLE[staff_id], version=2, **facts)])


async def customer_of(uow: UnitOfWork, keeper: UUID, capacity: Capacity = "primary_rm") -> UUID:
    customer_id = uuid4()
    await repository.apply_books(uow, [Book(customer_id, (Assignment(capacity, keeper, NORTH, NOW - 9 * DAY),), 1)])
    return customer_id


async def scope_of(uow: UnitOfWork, subject: str) -> RowScope:
    return (await repository.resolve_principal(uow, Identity("iss", subject, "staff"))).scope("customer.read")


async def sees(uow: UnitOfWork, customer_id: UUID, now: datetime = NOW) -> bool:
    """Whether the deputy sees the customer, in both renderings of the scope, which must agree."""
    scope = await scope_of(uow, "deputy")
    customers = values(column("id", BookAssignment.customer_id.type), name="customer").data([(customer_id,)])
    core = (await uow.execute(select(1).select_from(customers).where(visible_customers(scope, customers.c.id, now)))).first()
    condition, arguments = visible_customers_sql(scope, "customer.id", now, first_parameter=2)
    statement = "SELECT 1 FROM (SELECT $1::uuid AS id) customer WHERE " + condition  # noqa: S608  # the text under test
    raw = await uow.driver.fetchrow(statement, customer_id, *arguments)
    assert (core is None) == (raw is None)
    return raw is not None


@pytest.mark.parametrize("capacity", ["primary_rm", "assistant"])
async def test_d11_a_deputy_sees_the_book_from_the_first_to_the_last_instant_of_the_leave(uow, capacity: Capacity) -> None:
    customer = await customer_of(uow, KEEPER, capacity)
    assert not await sees(uow, customer)
    await change(uow, KEEPER, away_from=NOW, away_until=NOW + DAY)
    instants = (NOW - INSTANT, NOW, NOW + DAY - INSTANT, NOW + DAY)
    assert [await sees(uow, customer, at) for at in instants] == [False, True, True, False]


@pytest.mark.parametrize(
    "facts", [{"suspended": True}, {"active": False}, {"suspended": True, "away_from": NOW + DAY, "away_until": NOW + 2 * DAY}]
)
async def test_d11_a_deputy_sees_the_book_of_whoever_is_suspended_or_has_left(uow, facts) -> None:
    customer = await customer_of(uow, KEEPER)
    await change(uow, KEEPER, **facts)
    assert await sees(uow, customer)
    with pytest.raises(NotInDirectory):
        await scope_of(uow, "keeper")


async def test_d11_standing_in_is_neither_mutual_nor_passed_on(uow) -> None:
    """The deputy's deputy is not the keeper's, and the keeper sees nothing of the deputy's."""
    await change(uow, KEEPER, suspended=True)
    await change(uow, DEPUTY, deputy_id=LEADER, away_from=NOW, away_until=NOW + DAY)
    assert [one.staff_id for one in (await scope_of(uow, "deputy")).stands_in] == [KEEPER]
    await change(uow, LEADER, role="relationship_manager")
    assert [one.staff_id for one in (await scope_of(uow, "leader")).stands_in] == [DEPUTY]
    await change(uow, KEEPER, suspended=False)
    await repository.apply_staff(uow, [replace(PEOPLE[KEEPER], version=3)])
    assert (await scope_of(uow, "keeper")).stands_in == ()


async def owner_of(uow: UnitOfWork, keeper: UUID) -> UUID | None:
    statement = "SELECT " + owner_sql("keeper.id") + " FROM (SELECT $1::uuid AS id) keeper"  # noqa: S608  # the text under test
    owner: UUID | None = await uow.driver.fetchval(statement, keeper)
    return owner


async def test_d11_whose_the_duties_are(uow) -> None:
    cases: list[tuple[dict[str, object], dict[str, object], UUID | None]] = [
        ({}, {}, KEEPER),
        ({"away_from": NOW - DAY, "away_until": NOW + DAY}, {}, KEEPER),
        ({"suspended": True}, {}, DEPUTY),
        ({"active": False}, {}, DEPUTY),
        ({"suspended": True, "deputy_id": None}, {}, None),
        ({"suspended": True}, {"suspended": True}, None),
        ({"active": False}, {"active": False}, None),
        ({"suspended": True, "deputy_id": UUID(int=99)}, {}, None),
    ]
    for keeper, deputy, owner in cases:
        await change(uow, KEEPER, **keeper)
        await change(uow, DEPUTY, **deputy)
        assert await owner_of(uow, KEEPER) == owner, (keeper, deputy)
    assert await owner_of(uow, UUID(int=98)) == UUID(int=98), "a snapshot that has not come yet takes nobody's duties away"


async def test_d11_what_is_escalated_goes_to_the_superior_then_to_the_lead_then_up(uow) -> None:
    cases: list[tuple[set[UUID], UUID | None, UUID | None, UUID | None, UUID | None]] = [
        # who is gone, the keeper's superior, whose matter at which outlet, to whom it goes
        (set(), None, KEEPER, NORTH, MANAGER),
        (set(), LEADER, KEEPER, NORTH, LEADER),
        ({LEADER}, LEADER, KEEPER, NORTH, MANAGER),
        ({MANAGER}, None, KEEPER, NORTH, LEADER),
        ({MANAGER, LEADER}, None, KEEPER, NORTH, CHIEF),
        (set(), None, None, SOUTH, CHIEF),
        (set(), None, MANAGER, NORTH, LEADER),
        (set(), None, CHIEF, HEAD, None),
        ({CHIEF}, None, None, SOUTH, None),
        (set(), None, None, None, None),
    ]
    for gone, reports_to, staff, outlet, lead in cases:
        await change(uow, KEEPER, reports_to=reports_to)
        for leader in (MANAGER, LEADER, CHIEF):
            await change(
                uow, leader, suspended=leader in gone and leader == MANAGER, active=leader not in gone or leader == MANAGER
            )
        assert await read_escalations(uow, [(staff, outlet)] * 2) == {(staff, outlet): lead}, (gone, staff, outlet)


async def test_d11_a_circle_of_outlets_without_a_lead_ends(uow) -> None:
    await repository.apply_outlets(uow, [Outlet(REGION, SOUTH, "R", "华东", "region", 2)])
    assert await read_escalations(uow, [(None, SOUTH)]) == {(None, SOUTH): None}
