"""The key store's protocol.

Guarantees of every back end
- `create` is idempotent: concurrent calls return the same key. A customer whose keys were destroyed never gets new ones.
- A key served may be up to `CACHE_TTL` old: after `delete` returns, every process stops opening the customer's sealed values
  within 60 s, and none opens them after.
- Destroying is final in the store itself. Copies of the store (backups, write-ahead logs) hold wrapped keys until they expire:
  the bank's retention of those is part of an erasure's deadline.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol
from uuid import UUID

Cipher = Literal["aes-256-gcm", "sm4-gcm"]

CACHE_TTL = timedelta(seconds=60)
KEY_BYTES = 32


class NoDataKey(Exception):
    """The customer has no data key: none was made, or it was destroyed. What was sealed for it cannot be read."""


class KeysDestroyed(NoDataKey):
    """The customer was erased; no key will be made again."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A customer's key. `material` is 32 bytes; `cipher` the one to seal with.

    `predecessors` are keys from before a rotation, kept until everything is re-sealed: they open, and never seal.
    """

    id: UUID
    cipher: Cipher
    material: bytes = field(repr=False)
    predecessors: tuple["DataKey", ...] = field(default=(), repr=False)

    def find(self, key_id: UUID) -> "DataKey | None":
        """This key or the predecessor called `key_id`."""
        return next((key for key in (self, *self.predecessors) if key.id == key_id), None)


class KeyStore(Protocol):
    """Keys by customer. `delete` belongs to customer-svc alone."""

    async def create(self, customer_id: UUID) -> DataKey:
        """The customer's key, made if there is none. Raises `KeysDestroyed`."""
        ...

    async def get(self, customer_id: UUID) -> DataKey:
        """The customer's key. Raises `NoDataKey`."""
        ...

    async def get_many(self, customer_ids: Collection[UUID]) -> dict[UUID, DataKey]:
        """The keys of those that have one."""
        ...

    async def delete(self, customer_id: UUID) -> None:
        """Destroy all keys of the customer for good. May be repeated."""
        ...
