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
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guanxi_common.keys.store import KEY_BYTES, Cipher
from guanxi_common.security import sm4

_NONCE = 12
_SM4_MARK = b"\x02"
_SM4_WRAPPED = len(_SM4_MARK) + _NONCE + KEY_BYTES + sm4.TAG_BYTES


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
    """AES-256-GCM, or SM4-GCM where `cipher` says so; unwraps what either has wrapped.

    `masters` maps ids to 32-byte keys; the first is the current one. SM4 takes a key of 16 bytes that is derived from the master by
    HKDF-SM3. A key wrapped by SM4 begins with a mark; one wrapped by AES has none, and is a byte shorter.
    """

    def __init__(self, masters: Mapping[str, bytes], *, cipher: Cipher = "aes-256-gcm") -> None:
        if not masters or any(len(key) != KEY_BYTES for key in masters.values()):
            raise ValueError("at least one master key is needed, each of 32 bytes")
        self._cipher = cipher
        self._current_id = next(iter(masters))
        self._masters = {name: AESGCM(key) for name, key in masters.items()}
        self._sm4_keys = {name: _sm4_key(key) for name, key in masters.items()}

    @property
    def current_id(self) -> str:
        return self._current_id

    def knows(self, master_id: str) -> bool:
        """See `KeyWrapper`."""
        return master_id in self._masters

    async def wrap(self, material: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        if self._cipher == "sm4-gcm":
            return _SM4_MARK + nonce + sm4.encrypt(self._sm4_keys[self._current_id], nonce, material, context)
        return nonce + self._masters[self._current_id].encrypt(nonce, material, context)

    async def unwrap(self, wrapped: bytes, master_id: str, context: bytes) -> bytes:
        """See `KeyWrapper`."""
        master = self._masters.get(master_id)
        if master is None:
            raise CannotUnwrap(f"the master key {master_id!r} is not configured")
        try:
            if len(wrapped) == _SM4_WRAPPED and wrapped.startswith(_SM4_MARK):
                body = wrapped[len(_SM4_MARK) :]
                return sm4.decrypt(self._sm4_keys[master_id], body[:_NONCE], body[_NONCE:], context)
            return master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
        except (InvalidTag, ValueError) as error:
            raise CannotUnwrap("the wrapped key does not open") from error


def _sm4_key(master: bytes) -> bytes:
    return HKDF(SM3(), length=16, salt=None, info=b"guanxi|sm4-gcm|wrapping").derive(master)
