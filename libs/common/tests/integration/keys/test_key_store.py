"""The key store: one key a customer, erasure that holds within the cache's 60 s, and rotation of keys and of the master key."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.keys.store import CACHE_TTL, KeysDestroyed, NoDataKey
from guanxi_common.keys.watch import KeyWatch, MasterKeysMissing
from guanxi_common.keys.wrapping import CannotUnwrap, LocalKeyWrapper
from guanxi_common.security.blind_index import BlindIndex
from guanxi_common.security.fields import Place, SealBroken, seal, unseal
from guanxi_common.security.rotation import SealedColumn, rotate
from sqlalchemy import Column, LargeBinary, MetaData, Table, Uuid, insert, select
from sqlalchemy.dialects.postgresql import ARRAY

pytestmark = pytest.mark.anyio

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, 8, tzinfo=UTC))


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    database = Database(create_engine(empty_database, pool_size=4))
    yield database
    await database.dispose()


@pytest.fixture
async def store(database: Database, clock: ManualClock) -> DatabaseKeyStore:
    store = DatabaseKeyStore(database, LocalKeyWrapper({"2025": OLD}), clock)
    await asyncio.gather(store.create_schema(), store.create_schema())
    return store


def another_process(store: DatabaseKeyStore, clock: ManualClock, **masters: bytes) -> DatabaseKeyStore:
    return DatabaseKeyStore(store._database, LocalKeyWrapper(masters or {"2025": OLD}), clock)


async def test_everyone_gets_the_same_key(store: DatabaseKeyStore, clock: ManualClock) -> None:
    customer = uuid4()
    keys = await asyncio.gather(store.create(customer), another_process(store, clock).create(customer), store.create(customer))
    assert len({key.id for key in keys}) == len({key.material for key in keys}) == 1
    assert len(keys[0].material) == 32
    assert await another_process(store, clock).get(customer) == keys[0]


async def test_customers_have_keys_of_their_own(store: DatabaseKeyStore) -> None:
    customers = [uuid4() for _ in range(50)]
    made = await store.create_many(customers)
    assert len({key.material for key in made.values()}) == 50
    assert await store.get_many([*customers, uuid4()]) == made


async def test_no_key_is_no_key(store: DatabaseKeyStore) -> None:
    with pytest.raises(NoDataKey):
        await store.get(uuid4())


async def test_erasure_makes_sealed_values_unreadable_within_a_minute(store: DatabaseKeyStore, clock: ManualClock) -> None:
    customer, other = uuid4(), another_process(store, clock)
    place = Place("customer", "name", customer)
    sealed = seal("李雷", await store.create(customer), place)
    assert unseal(sealed, await other.get(customer), place) == "李雷"
    clock.advance(timedelta(seconds=30))
    await store.delete(customer)
    with pytest.raises(NoDataKey):
        await store.get(customer)
    clock.advance(CACHE_TTL - timedelta(seconds=30))
    with pytest.raises(NoDataKey):
        await other.get(customer)
    with pytest.raises(KeysDestroyed):
        await other.create(customer)
    await store.delete(customer)


async def test_the_cache_is_bounded_and_spares_the_database(store: DatabaseKeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guanxi_common.keys.database._CACHED_KEYS", 3)
    customers = [uuid4() for _ in range(5)]
    await store.create_many(customers)
    assert len(store._cache) == 3
    asked: list[UUID] = []
    read = store._read

    async def counting(customer_ids: list[UUID]) -> object:
        asked.extend(customer_ids)
        return await read(customer_ids)

    monkeypatch.setattr(store, "_read", counting)
    kept = list(store._cache)
    await store.get_many(kept)
    assert asked == []


async def test_a_master_key_is_replaced_by_wrapping_anew(store: DatabaseKeyStore, clock: ManualClock) -> None:
    customers = [uuid4() for _ in range(5)]
    made = await store.create_many(customers)
    both = another_process(store, clock, **{"2026": NEW, "2025": OLD})
    assert await both.get_many(customers) == made
    assert [await both.rewrap(limit=3), await both.rewrap(limit=3), await both.rewrap(limit=3)] == [3, 2, 0]
    assert await another_process(store, clock, **{"2026": NEW}).get_many(customers) == made
    with pytest.raises(CannotUnwrap, match="'2026' is not configured"):
        await another_process(store, clock).get(customers[0])


async def test_a_wrapped_key_moved_to_another_customer_does_not_open(store: DatabaseKeyStore, clock: ManualClock) -> None:
    first, second = uuid4(), uuid4()
    await store.create_many([first, second])
    async with store._database.transaction() as uow:
        await uow.driver.execute(
            "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE customer_id = $1) WHERE customer_id = $2",
            first,
            second,
        )
        await uow.commit()
    with pytest.raises(CannotUnwrap):
        await another_process(store, clock).get(second)


async def test_neither_key_nor_master_stands_in_the_database(store: DatabaseKeyStore) -> None:
    key = await store.create(uuid4())
    async with store._database.transaction() as uow:
        row = await uow.driver.fetchrow("SELECT * FROM data_key")
    assert row is not None
    assert not any(key.material in value or OLD in value for value in row if isinstance(value, bytes))


contact = Table(
    "contact",
    MetaData(),
    Column("customer_id", Uuid, primary_key=True),
    Column("email_sealed", LargeBinary),
    Column("email_index", LargeBinary),
    Column("phones_sealed", ARRAY(LargeBinary)),
    Column("phones_index", ARRAY(LargeBinary)),
)


def sealed_columns(secrets: dict[int, bytes]) -> tuple[SealedColumn, SealedColumn]:
    email, phone = BlindIndex("email", secrets), BlindIndex("phone", secrets)
    return (
        SealedColumn(
            *(contact, "email_sealed", "customer_id", "customer_id"),
            place=lambda row: Place("contact", "email", row),
            index_column="email_index",
            index=email.index,
        ),
        SealedColumn(
            *(contact, "phones_sealed", "customer_id", "customer_id"),
            place=lambda row: Place("contact", "phones", row),
            index_column="phones_index",
            index=phone.index,
        ),
    )


async def test_a_rotation_reseals_and_reindexes_and_then_the_old_key_can_go(
    store: DatabaseKeyStore, database: Database, clock: ManualClock
) -> None:
    customer = uuid4()
    former = await store.create(customer)
    old, new = {1: b"a" * 32}, {2: b"b" * 32, 1: b"a" * 32}
    phones = ["+8613800138000", "+8613900139000"]
    async with database.engine.connect() as connection:
        await connection.run_sync(contact.metadata.create_all)
    async with database.transaction() as uow:
        row = {
            "customer_id": customer,
            "email_sealed": seal("li@example.com", former, Place("contact", "email", customer)),
            "email_index": BlindIndex("email", old).index("li@example.com"),
            "phones_sealed": [seal(phone, former, Place("contact", "phones", customer)) for phone in phones],
            "phones_index": [BlindIndex("phone", old).index(phone) for phone in phones],
        }
        await uow.execute(insert(contact).values(row))
        await uow.commit()

    current = await store.rotate(customer)
    assert current.predecessors == (former,)
    assert await store.retire(customer) == 0  # another process may still seal under the former key
    clock.advance(CACHE_TTL)
    for expected in (1, 0):
        async with database.transaction() as uow:
            assert [await rotate(uow, column, customer, current) for column in sealed_columns(new)] == [expected, expected]
            await uow.commit()
    assert await store.retire(customer) == 1

    key = await store.get(customer)
    assert key.predecessors == ()
    async with database.transaction() as uow:
        kept = (await uow.execute(select(contact))).one()
    assert unseal(kept.email_sealed, key, Place("contact", "email", customer)) == "li@example.com"
    assert [unseal(value, key, Place("contact", "phones", customer)) for value in kept.phones_sealed] == phones
    assert kept.email_index == BlindIndex("email", new).index("li@example.com")
    assert kept.phones_index == [BlindIndex("phone", new).index(phone) for phone in phones]
    with pytest.raises(SealBroken, match="another key"):
        unseal(row["email_sealed"], key, Place("contact", "email", customer))


async def test_d18_a_master_key_that_is_needed_and_missing_is_named(store: DatabaseKeyStore, clock: ManualClock) -> None:
    await store.create_many([uuid4() for _ in range(3)])
    both = another_process(store, clock, **{"2026": NEW, "2025": OLD})
    await both.create(uuid4())
    assert await both.missing_masters() == ()
    assert await another_process(store, clock, **{"2026": NEW}).missing_masters() == ("2025",)
    assert await another_process(store, clock, **{"2027": b"m" * 32}).missing_masters() == ("2025", "2026")


async def test_d18_a_key_watch_makes_the_tables_and_tells_what_is_missing(database: Database, clock: ManualClock) -> None:
    watch = KeyWatch(DatabaseKeyStore(database, LocalKeyWrapper({"2025": OLD}), clock))
    assert watch.missing is None
    await watch.check()
    assert watch.missing == ()
    store = DatabaseKeyStore(database, LocalKeyWrapper({"2025": OLD}), clock)
    await store.create(uuid4())
    late = KeyWatch(DatabaseKeyStore(database, LocalKeyWrapper({"2026": NEW}), clock))
    with pytest.raises(MasterKeysMissing, match="2025"):
        await late.check()
    assert late.missing == ("2025",)
