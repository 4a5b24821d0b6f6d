"""The key store in a PostgreSQL database of its own (`guanxi_keys`), data keys wrapped by a `KeyWrapper`."""

import os
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from guanxi_common.clock import Clock
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.ids import new_id
from guanxi_common.keys.store import CACHE_TTL, KEY_BYTES, Cipher, DataKey, KeysDestroyed, NoDataKey
from guanxi_common.keys.wrapping import KeyWrapper

_CACHED_KEYS = 10_000
_SCHEMA_LOCK = 0x6B657973

SCHEMA = """
CREATE TABLE IF NOT EXISTS data_key (
    customer_id uuid NOT NULL,
    key_id uuid NOT NULL,
    cipher text NOT NULL,
    wrapped bytea NOT NULL,
    master_id text NOT NULL,
    is_current boolean NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_data_key PRIMARY KEY (customer_id, key_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS uq_data_key_current ON data_key (customer_id) WHERE is_current;
CREATE INDEX IF NOT EXISTS ix_data_key_master_id ON data_key (master_id);
CREATE TABLE IF NOT EXISTS destroyed_customer (
    customer_id uuid CONSTRAINT pk_destroyed_customer PRIMARY KEY,
    destroyed_at timestamptz NOT NULL
);
"""

_INSERT = """
INSERT INTO data_key (customer_id, key_id, cipher, wrapped, master_id, is_current, created_at)
SELECT customer_id, key_id, $3, wrapped, $5, true, $6
FROM unnest($1::uuid[], $2::uuid[], $4::bytea[]) AS new (customer_id, key_id, wrapped)
WHERE NOT EXISTS (SELECT FROM destroyed_customer destroyed WHERE destroyed.customer_id = new.customer_id)
ON CONFLICT DO NOTHING
"""

_SELECT = """
SELECT customer_id, key_id, cipher, wrapped, master_id FROM data_key
WHERE customer_id = ANY($1::uuid[])
    AND NOT EXISTS (SELECT FROM destroyed_customer destroyed WHERE destroyed.customer_id = data_key.customer_id)
ORDER BY customer_id, is_current DESC, created_at DESC
"""

# From one master key to the next through the index: its few ids, whatever the number of rows.
_MASTERS = """
WITH RECURSIVE master (id) AS (
    SELECT min(master_id) FROM data_key
    UNION ALL SELECT (SELECT min(master_id) FROM data_key WHERE master_id > master.id) FROM master WHERE master.id IS NOT NULL
)
SELECT id FROM master WHERE id IS NOT NULL ORDER BY id
"""


class DatabaseKeyStore:
    """See `KeyStore`. One per process: it keeps at most 10,000 customers' keys in memory, each for at most 60 s."""

    def __init__(self, database: Database, wrapper: KeyWrapper, clock: Clock, *, cipher: Cipher = "aes-256-gcm") -> None:
        self._database = database
        self._wrapper = wrapper
        self._clock = clock
        self._cipher: Cipher = cipher
        self._cache: OrderedDict[UUID, tuple[DataKey, datetime]] = OrderedDict()

    async def create_schema(self) -> None:
        """Make the store's two tables unless they are there. Safe to call from several processes at once.

        Where they are, a role that may only read will do.
        """
        async with self._database.transaction(readonly=True) as uow:
            if await uow.driver.fetchval("SELECT to_regclass('ix_data_key_master_id') IS NOT NULL"):
                return
        async with self._database.transaction() as uow:
            await uow.driver.execute("SELECT pg_advisory_xact_lock($1)", _SCHEMA_LOCK)
            await uow.driver.execute(SCHEMA)
            await uow.commit()

    async def missing_masters(self) -> tuple[str, ...]:
        """The ids of master keys under which data keys are wrapped and which are not configured."""
        async with self._database.transaction(readonly=True) as uow:
            rows = await uow.driver.fetch(_MASTERS)
        return tuple(row["id"] for row in rows if not self._wrapper.knows(row["id"]))

    async def create(self, customer_id: UUID) -> DataKey:
        """See `KeyStore`."""
        return (await self.create_many([customer_id]))[customer_id]

    async def create_many(self, customer_ids: Collection[UUID]) -> dict[UUID, DataKey]:
        """`create` for many in one round trip. Raises `KeysDestroyed` if any of them was erased."""
        wanted = sorted(set(customer_ids))
        key_ids = [new_id() for _ in wanted]
        wrapped = [
            await self._wrapper.wrap(os.urandom(KEY_BYTES), _context(customer_id, key_id))
            for customer_id, key_id in zip(wanted, key_ids, strict=True)
        ]
        async with self._database.transaction() as uow:
            now = self._clock.now()
            await uow.driver.execute(_INSERT, wanted, key_ids, self._cipher, wrapped, self._wrapper.current_id, now)
            await uow.commit()
        keys = await self.get_many(wanted)
        if len(keys) < len(wanted):
            raise KeysDestroyed
        return keys

    async def get(self, customer_id: UUID) -> DataKey:
        """See `KeyStore`."""
        keys = await self.get_many([customer_id])
        if customer_id not in keys:
            raise NoDataKey
        return keys[customer_id]

    async def get_many(self, customer_ids: Collection[UUID]) -> dict[UUID, DataKey]:
        """See `KeyStore`."""
        # The age counts from before the query, so that a key is never served longer than the guarantee says.
        asked_at = self._clock.now()
        found = {customer_id: key for customer_id in customer_ids if (key := self._cached(customer_id, asked_at)) is not None}
        missing = [customer_id for customer_id in customer_ids if customer_id not in found]
        if missing:
            read = await self._read(missing)
            for customer_id, key in read.items():
                self._cache[customer_id] = (key, asked_at)
                self._cache.move_to_end(customer_id)
            while len(self._cache) > _CACHED_KEYS:
                self._cache.popitem(last=False)
            found |= read
        return found

    async def rotate(self, customer_id: UUID) -> DataKey:
        """Give the customer a new key, with those before as predecessors. Raises `NoDataKey`.

        Other processes go on sealing under the former key for up to 60 s: re-seal after that, and then `retire` it.
        """
        key_id = new_id()
        wrapped = await self._wrapper.wrap(os.urandom(KEY_BYTES), _context(customer_id, key_id))
        async with self._database.transaction() as uow:
            former = await uow.driver.execute(
                "UPDATE data_key SET is_current = false WHERE customer_id = $1 AND is_current", customer_id
            )
            if former == "UPDATE 0":
                raise NoDataKey
            master = self._wrapper.current_id
            await uow.driver.execute(_INSERT, [customer_id], [key_id], self._cipher, [wrapped], master, self._clock.now())
            await uow.commit()
        self._cache.pop(customer_id, None)
        return await self.get(customer_id)

    async def retire(self, customer_id: UUID) -> int:
        """Destroy the customer's former keys once everything is re-sealed; returns how many. None within 60 s of the rotation."""
        async with self._database.transaction() as uow:
            done: str = await uow.driver.execute(
                "DELETE FROM data_key former USING data_key successor WHERE former.customer_id = $1 AND NOT former.is_current"
                " AND successor.customer_id = $1 AND successor.is_current AND successor.created_at <= $2",
                customer_id,
                self._clock.now() - CACHE_TTL,
            )
            await uow.commit()
        self._cache.pop(customer_id, None)
        return int(done.split()[-1])

    async def delete(self, customer_id: UUID) -> None:
        """See `KeyStore`."""
        async with self._database.transaction() as uow:
            await uow.driver.execute(
                "INSERT INTO destroyed_customer (customer_id, destroyed_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                customer_id,
                self._clock.now(),
            )
            await uow.driver.execute("DELETE FROM data_key WHERE customer_id = $1", customer_id)
            await uow.commit()
        self._cache.pop(customer_id, None)

    async def rewrap(self, limit: int = 1_000) -> int:
        """Wrap up to `limit` keys that are under another master key under the current one; returns how many. 0 means done, and
        the old master key may be taken out of the settings.
        """
        async with self._database.transaction() as uow:
            rows = await uow.driver.fetch(
                "SELECT customer_id, key_id, wrapped, master_id FROM data_key WHERE master_id <> $1"
                " LIMIT $2 FOR UPDATE SKIP LOCKED",
                self._wrapper.current_id,
                limit,
            )
            await self._store_rewrapped(uow, rows)
            await uow.commit()
        return len(rows)

    async def _store_rewrapped(self, uow: UnitOfWork, rows: Sequence[Any]) -> None:
        changed = []
        for row in rows:
            context = _context(row["customer_id"], row["key_id"])
            material = await self._wrapper.unwrap(row["wrapped"], row["master_id"], context)
            changed.append(
                (row["key_id"], row["customer_id"], await self._wrapper.wrap(material, context), self._wrapper.current_id)
            )
        await uow.driver.executemany(
            "UPDATE data_key SET wrapped = $3, master_id = $4 WHERE customer_id = $2 AND key_id = $1", changed
        )

    async def close(self) -> None:
        """Close the store's pool."""
        await self._database.dispose()

    def _cached(self, customer_id: UUID, now: datetime) -> DataKey | None:
        entry = self._cache.get(customer_id)
        if entry is None or not timedelta(0) <= now - entry[1] < CACHE_TTL:
            return None
        self._cache.move_to_end(customer_id)
        return entry[0]

    async def _read(self, customer_ids: Iterable[UUID]) -> dict[UUID, DataKey]:
        async with self._database.transaction(readonly=True) as uow:
            rows = await uow.driver.fetch(_SELECT, list(customer_ids))
        opened: dict[UUID, list[DataKey]] = {}
        for row in rows:
            context = _context(row["customer_id"], row["key_id"])
            material = await self._wrapper.unwrap(row["wrapped"], row["master_id"], context)
            opened.setdefault(row["customer_id"], []).append(DataKey(row["key_id"], row["cipher"], material))
        return {
            customer_id: DataKey(current.id, current.cipher, current.material, tuple(former))
            for customer_id, (current, *former) in opened.items()
        }


def _context(customer_id: UUID, key_id: UUID) -> bytes:
    """Binds a wrapped key to its row."""
    return customer_id.bytes + key_id.bytes
