"""Exact search over encrypted fields: an HMAC-SHA-256 of the normalised value under a key of that field alone.

    version 1 | digest 32        (bytes)

The index tells that two customers share a value, to whoever reads the table; it gives no value away without the key, and values
of one field cannot be compared with another's. To rotate: put the new secret first, re-index in the background (`rotation`),
take the old one out. Look-ups ask for both meanwhile.
"""

import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class BlindIndex:
    """The index of one field. `secrets` maps versions (1..255) to secrets of at least 32 bytes; the first is the current one."""

    def __init__(self, field: str, secrets: Mapping[int, bytes]) -> None:
        if not secrets or any(len(secret) < 32 or not 0 < version < 256 for version, secret in secrets.items()):
            raise ValueError("at least one secret of 32 bytes or more is needed, under a version of 1 to 255")
        self._keys = {
            bytes((version,)): HKDF(SHA256(), length=32, salt=None, info=f"guanxi|blind-index|{field}".encode()).derive(secret)
            for version, secret in secrets.items()
        }
        self._current = next(iter(self._keys))

    def index(self, value: str) -> bytes:
        """What to store beside the sealed `value`, which the caller has normalised."""
        return self._digest(self._current, value)

    def candidates(self, value: str) -> list[bytes]:
        """What a stored index of `value` may be: use `= ANY(…)` (or `&&` for arrays)."""
        return [self._digest(version, value) for version in self._keys]

    def is_current(self, index: bytes) -> bool:
        return index[:1] == self._current

    def _digest(self, version: bytes, value: str) -> bytes:
        return version + hmac.digest(self._keys[version], value.encode(), "sha256")
