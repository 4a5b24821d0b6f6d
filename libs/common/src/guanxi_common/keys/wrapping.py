"""Wrapping data keys under a master key, so that the store's tables alone open nothing.

`LocalKeyWrapper` has the master keys in memory, from the settings. A bank with a key management service or HSM writes another
`KeyWrapper` that calls it (wrap and unwrap map to its encrypt and decrypt, `context` to its encryption context); none is
included.
"""

import os
from collections.abc import Mapping
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class CannotUnwrap(Exception):
    """The wrapped key was changed, moved to another row, or its master key is not configured."""


class KeyWrapper(Protocol):
    """Wraps under the current master key, unwraps under any that is still known. `context` must be the same in both."""

    @property
    def current_id(self) -> str:
        """The id of the master key that wraps now."""
        ...

    def knows(self, master_id: str) -> bool:
        """Whether what was wrapped under this master key can be unwrapped."""
        ...

    async def wrap(self, material: bytes, context: bytes) -> bytes: ...

    async def unwrap(self, wrapped: bytes, master_id: str, context: bytes) -> bytes:
        """Raises `CannotUnwrap`."""
        ...


class LocalKeyWrapper:
    """AES-256-GCM. `masters` maps ids to 32-byte keys; the first is the current one."""

    def __init__(self, masters: Mapping[str, bytes]) -> None:
        if not masters or any(len(key) != 32 for key in masters.values()):
            raise ValueError("at least one master key is needed, each of 32 bytes")
        self._current_id = next(iter(masters))
        self._masters = {name: AESGCM(key) for name, key in masters.items()}

    @property
    def current_id(self) -> str:
        return self._current_id

    def knows(self, master_id: str) -> bool:
        """See `KeyWrapper`."""
        return master_id in self._masters

    async def wrap(self, material: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._masters[self._current_id].encrypt(nonce, material, context)

    async def unwrap(self, wrapped: bytes, master_id: str, context: bytes) -> bytes:
        """See `KeyWrapper`."""
        master = self._masters.get(master_id)
        if master is None:
            raise CannotUnwrap(f"the master key {master_id!r} is not configured")
        try:
            return master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
        except (InvalidTag, ValueError) as error:
            raise CannotUnwrap("the wrapped key does not open") from error
