"""The caller in one query, row scope over intervals, and replicas that only move forward."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.ids import new_id
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.security.directory import consumers, repository
from guanxi_common.security.directory.errors import NotInDirectory
from guanxi_common.security.directory.scope import visible_customers, visible_customers_sql
from guanxi_common.security.directory.tables import DIRECTORY_TABLES, BookAssignment
from guanxi_common.security.directory.values import Assignment, Book, Capacity, Outlet, Role, Staff
from guanxi_common.security.principal import SYSTEM_SCOPE, Identity, PersonRequired, RowScope, ScopeKind
from sqlalchemy import column, select, values
from sqlalchemy.ext.asyncio import create_async_engine

pytestmark = pytest.mark.anyio

ISSUER = "https://issuer.bank.example"
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)
HEAD, REGION, OUTLET, SIBLING = (UUID(int=n) for n in range(1, 5))
RM_A, RM_B, MANAGER = (UUID(int=n) for n in range(11, 14))


@pytest.fixture
async def uow(empty_database: str) -> AsyncIterator[UnitOfWork]:
    engine = create_async_engine(empty_database.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(DIRECTORY_TABLES[0].metadata.create_all, tables=list(DIRECTORY_TABLES))
    await engine.dispose()
    database = Database(create_engine(empty_database, pool_size=1))
    async with database.transaction() as uow:
        await _fill(uow)
        yield uow
    await database.dispose()


async def _fill(uow: UnitOfWork) -> None:
    await repository.apply_outlets(
        uow,
        [
            Outlet(HEAD, None, "HO", "总行", "head_office", 1),
            Outlet(REGION, HEAD, "R1", "华东", "region", 1),
            Outlet(OUTLET, REGION, "O1", "外滩支行", "outlet", 1),
            Outlet(SIBLING, HEAD, "O2", "天河支行", "outlet", 1),
        ],
    )
    await repository.apply_roles(
        uow,
        [
            Role("relationship_manager", {"customer.read": ScopeKind.OWN}, 1),
            Role("outlet_manager", {"customer.read": ScopeKind.OUTLET}, 1),
        ],
    )
    await repository.apply_staff(
        uow,
        [
            Staff(RM_A, ISSUER, "rm-a", "李雷", "relationship_manager", OUTLET, MANAGER, True, 1),
            Staff(RM_B, ISSUER, "rm-b", "韩梅梅", "relationship_manager", SIBLING, None, True, 1),
            Staff(MANAGER, ISSUER, "boss", "王经理", "outlet_manager", REGION, None, True, 1),
        ],
    )


def interval(
    staff_id: UUID | None,
    *,
    since: datetime = NOW - DAY,
    until: datetime | None = None,
    outlet_id: UUID = OUTLET,
    capacity: Capacity = "primary_rm",
) -> Assignment:
    return Assignment(capacity, staff_id, outlet_id, since, until)


async def assign(uow: UnitOfWork, *assignments: Assignment) -> UUID:
    customer_id = uuid4()
    await repository.apply_books(uow, [Book(customer_id, assignments, 1)])
    return customer_id


async def sees(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime = NOW) -> bool:
    """Whether both renderings of the scope let the customer through; they must agree."""
    customers = values(column("id", BookAssignment.customer_id.type), name="customer").data([(customer_id,)])
    core = (await uow.execute(select(1).select_from(customers).where(visible_customers(scope, customers.c.id, now)))).first()
    condition, arguments = visible_customers_sql(scope, "customer.id", now, first_parameter=2)
    statement = "SELECT 1 FROM (SELECT $1::uuid AS id) customer WHERE " + condition  # noqa: S608  # the text under test
    raw = await uow.driver.fetchrow(statement, customer_id, *arguments)
    assert (core is None) == (raw is None)
    return raw is not None


OWN_A, OWN_B = RowScope(ScopeKind.OWN, RM_A), RowScope(ScopeKind.OWN, RM_B)
BRANCH, SIBLINGS = RowScope(ScopeKind.OUTLET, MANAGER, (REGION, OUTLET)), RowScope(ScopeKind.OUTLET, RM_B, (SIBLING,))


async def test_the_caller_comes_with_grants_and_subtree(uow: UnitOfWork) -> None:
    principal = await repository.resolve_principal(uow, Identity(ISSUER, "boss", "staff"))
    assert (principal.staff_id, principal.role, principal.outlet_id) == (MANAGER, "outlet_manager", REGION)
    assert set(principal.outlet_ids) == {REGION, OUTLET}
    assert principal.grants == {"customer.read": ScopeKind.OUTLET}
    assert principal.actor == f"staff:{MANAGER}"
    assert type(principal.staff_id) is UUID


@pytest.mark.parametrize("identity", [Identity(ISSUER, "nobody", "staff"), Identity("https://other.example", "rm-a", "staff")])
async def test_an_unknown_caller_is_not_in_the_directory(uow: UnitOfWork, identity: Identity) -> None:
    with pytest.raises(NotInDirectory) as raised:
        await repository.resolve_principal(uow, identity)
    assert (raised.value.status, raised.value.code) == (403, "not_in_directory")


async def test_an_inactive_caller_or_one_of_unknown_role_is_not_in_the_directory(uow: UnitOfWork) -> None:
    changed = [
        Staff(RM_A, ISSUER, "rm-a", "李雷", "relationship_manager", OUTLET, None, False, 2),
        Staff(RM_B, ISSUER, "rm-b", "韩梅梅", "astronaut", SIBLING, None, True, 2),
    ]
    await repository.apply_staff(uow, changed)
    for subject in ("rm-a", "rm-b"):
        with pytest.raises(NotInDirectory):
            await repository.resolve_principal(uow, Identity(ISSUER, subject, "staff"))


async def test_a_circle_of_outlets_ends(uow: UnitOfWork) -> None:
    await repository.apply_outlets(uow, [Outlet(REGION, OUTLET, "R1", "华东", "region", 2)])
    principal = await repository.resolve_principal(uow, Identity(ISSUER, "boss", "staff"))
    assert set(principal.outlet_ids) == {REGION, OUTLET}


async def test_own_customers_are_seen_in_either_capacity(uow: UnitOfWork) -> None:
    customer = await assign(uow, interval(RM_A), interval(RM_B, capacity="assistant"))
    others = await assign(uow, interval(MANAGER))
    assert await sees(uow, OWN_A, customer)
    assert await sees(uow, OWN_B, customer)
    assert not await sees(uow, OWN_A, others)


async def test_a_transfer_takes_effect_by_the_clock(uow: UnitOfWork) -> None:
    transfer = NOW + timedelta(minutes=5)
    customer = await assign(uow, interval(RM_A, until=transfer), interval(RM_B, since=transfer, outlet_id=SIBLING))
    just_before = transfer - timedelta(microseconds=1)
    assert [await sees(uow, scope, customer, just_before) for scope in (OWN_A, BRANCH, OWN_B, SIBLINGS)] == [
        True,
        True,
        False,
        False,
    ]
    assert [await sees(uow, scope, customer, transfer) for scope in (OWN_A, BRANCH, OWN_B, SIBLINGS)] == [
        False,
        False,
        True,
        True,
    ]


async def test_an_interval_that_has_ended_or_not_begun_shows_nothing(uow: UnitOfWork) -> None:
    ended = await assign(uow, interval(RM_A, since=NOW - 2 * DAY, until=NOW))
    future = await assign(uow, interval(RM_A, since=NOW + DAY))
    for customer in (ended, future):
        assert not await sees(uow, OWN_A, customer)
        assert not await sees(uow, BRANCH, customer)
        assert await sees(uow, SYSTEM_SCOPE, customer)


async def test_an_outlet_sees_its_customers_even_without_an_rm(uow: UnitOfWork) -> None:
    customer = await assign(uow, interval(None))
    assert await sees(uow, BRANCH, customer)
    assert not await sees(uow, SIBLINGS, customer)
    assert not await sees(uow, RowScope(ScopeKind.OUTLET, MANAGER, ()), customer)
    assert not await sees(uow, RowScope(ScopeKind.OWN, None), customer)


async def test_an_older_book_changes_nothing_and_a_newer_one_replaces_all(uow: UnitOfWork) -> None:
    customer = uuid4()
    newer = Book(customer, (interval(RM_B),), 3)
    await repository.apply_books(uow, [Book(customer, (interval(RM_A), interval(MANAGER, capacity="assistant")), 2), newer])
    await repository.apply_books(uow, [Book(customer, (interval(RM_A),), 2)])
    rows = await uow.driver.fetch("SELECT staff_id, version FROM book_assignment WHERE customer_id = $1", customer)
    assert [tuple(row) for row in rows] == [(RM_B, 3)]


async def test_d20_the_same_book_again_puts_right_what_has_gone_wrong_with_its_rows(uow: UnitOfWork) -> None:
    customer = uuid4()
    book = Book(customer, (interval(RM_B),), 3)
    await repository.apply_books(uow, [book])
    await uow.driver.execute("UPDATE book_assignment SET staff_id = $2 WHERE customer_id = $1", customer, RM_A)
    await repository.apply_books(uow, [book])
    assert await uow.driver.fetchval("SELECT staff_id FROM book_assignment WHERE customer_id = $1", customer) == RM_B


def snapshot(kind: str, key: str, data: dict[str, object] | None, version: int = 1, epoch: int = 1) -> Envelope:
    event_type = f"guanxi.{kind}.snapshot.v1"
    return Envelope(
        new_id(), event_type, "directory.snapshots", key, "customer-svc", NOW, data, aggregate_version=version, epoch=epoch
    )


async def test_snapshots_build_the_replica_and_tombstones_clear_it(uow: UnitOfWork) -> None:
    staff_id, outlet_id, customer = uuid4(), uuid4(), uuid4()
    handlers = consumers.directory_handlers(ISSUER)
    outlet = {"outlet_id": str(outlet_id), "parent_id": None, "code": "021", "name": "徐汇支行", "kind": "outlet"}
    staff = {
        "staff_id": str(staff_id),
        "subject": "t-9",
        "name": "赵",
        "role": "teller",
        "outlet_id": str(outlet_id),
        "active": True,
    }
    await handlers["guanxi.outlet.snapshot.v1"](uow, [snapshot("outlet", f"outlet:{outlet_id}", outlet)])
    await handlers["guanxi.staff.snapshot.v1"](uow, [snapshot("staff", f"staff:{staff_id}", staff)])
    grants = {"role": "teller", "grants": {"customer.read": "outlet"}}
    await handlers["guanxi.role.snapshot.v1"](uow, [snapshot("role", "role:teller", grants)])
    principal = await repository.resolve_principal(uow, Identity(ISSUER, "t-9", "staff"))
    assert principal.scope("customer.read") == RowScope(ScopeKind.OUTLET, staff_id, (outlet_id,))

    row = {"capacity": "primary_rm", "staff_id": None, "outlet_id": str(outlet_id), "valid_from": "2026-11-01T00:00:00Z"}
    book = {"customer_id": str(customer), "assignments": [row], "sealed": "…"}
    await consumers.apply_books(uow, [snapshot("customer", str(customer), book)])
    assert await sees(uow, principal.scope("customer.read"), customer)
    await consumers.apply_books(uow, [snapshot("customer", str(customer), None, 2)])
    assert not await sees(uow, principal.scope("customer.read"), customer)
    await handlers["guanxi.staff.snapshot.v1"](uow, [snapshot("staff", f"staff:{staff_id}", None, 2)])
    with pytest.raises(NotInDirectory):
        await repository.resolve_principal(uow, Identity(ISSUER, "t-9", "staff"))


def test_every_table_of_the_directory_is_made_anew_by_a_rebuild() -> None:
    rebuilt = {*consumers.DIRECTORY_KEYS, *consumers.BOOK_KEYS}
    assert {table.name for table in DIRECTORY_TABLES} - rebuilt == {"book_alias"}, "aliases come with merges"


async def test_d19_a_client_and_a_person_of_one_name_are_two_callers(uow: UnitOfWork) -> None:
    """Neither acts as the other, whatever role the entry of one has."""
    handlers = consumers.directory_handlers(ISSUER)
    core = {"entry_id": str(uuid4()), "client_id": "rm-a", "name": "核心", "role": "core", "sources": ["core"], "active": True}
    grants = {"role": "core", "grants": {"account.intake": "all"}, "holder": "client"}
    await handlers["guanxi.client.snapshot.v1"](uow, [snapshot("client", f"client:{core['entry_id']}", core)])
    await handlers["guanxi.role.snapshot.v1"](uow, [snapshot("role", "role:core", grants)])
    client = await repository.resolve_principal(uow, Identity(ISSUER, "rm-a", "client"))
    person = await repository.resolve_principal(uow, Identity(ISSUER, "rm-a", "staff"))
    assert (client.actor, client.role) == (f"client:{core['entry_id']}", "core")
    assert client.scope("account.intake") == RowScope(ScopeKind.ALL, sources=frozenset({"core"}))
    with pytest.raises(PersonRequired):
        _ = client.staff_id
    assert (person.staff_id, person.sources) == (RM_A, None)

    for subject, kind in (("rm-b", "client"), ("core", "staff")):
        with pytest.raises(NotInDirectory):
            await repository.resolve_principal(uow, Identity(ISSUER, subject, kind))
    await uow.driver.execute("UPDATE directory_staff SET role = 'core'")
    await uow.driver.execute("UPDATE directory_client SET role = 'relationship_manager'")
    for kind in ("client", "staff"):
        with pytest.raises(NotInDirectory):
            await repository.resolve_principal(uow, Identity(ISSUER, "rm-a", kind))


async def test_d19_a_client_is_forgotten_by_its_tombstone_and_refused_while_inactive(uow: UnitOfWork) -> None:
    handlers = consumers.directory_handlers(ISSUER)
    await repository.apply_roles(uow, [Role("core", {}, 1, holder="client")])
    data = {"entry_id": str(uuid4()), "client_id": "core", "name": "核心", "role": "core", "sources": [], "active": False}
    key = f"client:{data['entry_id']}"
    for version, told in ((1, data), (2, data | {"active": True}), (3, None)):
        await handlers["guanxi.client.snapshot.v1"](uow, [snapshot("client", key, told, version)])
        if version == 2:
            assert (await repository.resolve_principal(uow, Identity(ISSUER, "core", "client"))).sources == frozenset()
        else:
            with pytest.raises(NotInDirectory):
                await repository.resolve_principal(uow, Identity(ISSUER, "core", "client"))


def outlet_named(name: str) -> dict[str, object]:
    return {"outlet_id": str(SIBLING), "parent_id": None, "code": "021", "name": name, "kind": "outlet"}


def staff_named(name: str) -> dict[str, object]:
    return {"staff_id": str(RM_B), "subject": "rm-b", "name": name, "role": "teller", "outlet_id": None, "active": True}


def book_at(outlet_id: UUID) -> dict[str, object]:
    row = {"capacity": "primary_rm", "staff_id": None, "outlet_id": str(outlet_id), "valid_from": "2026-11-01T00:00:00Z"}
    return {"customer_id": str(CUSTOMER), "assignments": [row]}


CUSTOMER = UUID(int=77)
TELLER = [{"role": "teller", "grants": {"customer.read": scope}} for scope in ("own", "all")]
OF_OUTLET = "SELECT name FROM directory_outlet WHERE 'outlet:' || id = $1"
OF_STAFF = "SELECT name FROM directory_staff WHERE 'staff:' || id = $1"
OF_ROLE = "SELECT grants ->> 'customer.read' FROM directory_role WHERE 'role:' || role = $1"
OF_BOOK = "SELECT outlet_id::text FROM book_assignment WHERE customer_id::text = $1"


@pytest.mark.parametrize(
    ("kind", "key", "before", "after", "kept", "told"),
    [
        ("outlet", f"outlet:{SIBLING}", outlet_named("before"), outlet_named("after"), OF_OUTLET, "after"),
        ("staff", f"staff:{RM_B}", staff_named("before"), staff_named("after"), OF_STAFF, "after"),
        ("role", "role:teller", *TELLER, OF_ROLE, "all"),
        ("customer_book", str(CUSTOMER), book_at(OUTLET), book_at(SIBLING), OF_BOOK, str(SIBLING)),
    ],
)
async def test_d20_every_replica_takes_a_lower_version_of_a_later_epoch(
    uow: UnitOfWork, kind: str, key: str, before: dict[str, object], after: dict[str, object], kept: str, told: str
) -> None:
    """The owner was at version 9, was restored to 5 and counts on in its second epoch."""
    handlers = {**consumers.directory_handlers(ISSUER), consumers.CUSTOMER_BOOK: consumers.apply_books}
    handle = handlers[f"guanxi.{kind}.snapshot.v1"]
    await handle(uow, [snapshot(kind, key, before, 9, 1)])
    assert await uow.driver.fetchval(kept, key) not in (None, told)
    await handle(uow, [snapshot(kind, key, after, 6, 2)])
    assert await uow.driver.fetchval(kept, key) == told
    await handle(uow, [snapshot(kind, key, before, 10, 1)])
    assert await uow.driver.fetchval(kept, key) == told, "a late record of the first epoch is old, whatever its version"
    await handle(uow, [snapshot(kind, key, None, 11, 1), snapshot(kind, key, after, 7, 2)])
    assert await uow.driver.fetchval(kept, key) == told, "who came back in the batch of its tombstone stays"


async def test_a_snapshot_that_does_not_fit_is_refused_without_its_values(uow: UnitOfWork) -> None:
    event = snapshot("customer", "x", {"customer_id": "110101199003070000", "assignments": []})
    with pytest.raises(PermanentError) as raised:
        await consumers.apply_books(uow, [event])
    assert raised.value.event_id == event.id
    assert "110101199003070000" not in str(raised.value)
