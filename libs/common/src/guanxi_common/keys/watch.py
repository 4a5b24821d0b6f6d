"""Whether the key store is there, and whether every master key that it needs is configured."""

import asyncio
from typing import Final

from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.parts import Part, PartProblem

INTERVAL: Final = 60.0


class MasterKeysMissing(PartProblem):
    """Data keys are wrapped under master keys that are not configured; the text names their ids."""


class KeyWatch:
    """Looks after one process's key store. Nothing is sealed or opened before `check` has succeeded once."""

    def __init__(self, store: DatabaseKeyStore) -> None:
        self._store = store
        self._missing: tuple[str, ...] | None = None

    @property
    def missing(self) -> tuple[str, ...] | None:
        """The ids of the missing master keys at the last look; None before the first."""
        return self._missing

    async def check(self) -> None:
        """Make the store's tables unless they are there, and look. Raises `MasterKeysMissing`."""
        if self._missing is None:
            await self._store.create_schema()
        self._missing = await self._store.missing_masters()
        if self._missing:
            raise MasterKeysMissing(f"not configured: {', '.join(self._missing)}")

    async def watch(self, part: Part, stop: asyncio.Event) -> None:
        """Look every minute: the work of a part."""
        while not stop.is_set():
            await self.check()
            part.went_well()
            await part.rest(stop, timeout=INTERVAL)
