"""Exact search over encrypted fields: an HMAC of the normalised value under a key of that field alone, by SHA-256 or, as the cipher
setting says, by SM3 (国密; GB/T 32905).

    version 1 | digest 32        (bytes)

The index tells that two customers share a value, to whoever reads the table; it gives no value away without the key, and values
of one field cannot be compared with another's. To rotate: put the new secret first, re-index in the background (`rotation`),
take the old one out. Look-ups ask for every secret and both hashes meanwhile, so the cipher can be switched at any time.
"""

import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guanxi_common.keys.store import Cipher


class BlindIndex:
    """The index of one field. `secrets` maps versions (1..255) to secrets of at least 32 bytes; the first is the current one.

    `cipher` chooses the hash of what is stored from now on.
    """

    def __init__(self, field: str, secrets: Mapping[int, bytes], *, cipher: Cipher = "aes-256-gcm") -> None:
        if not secrets or any(len(secret) < 32 or not 0 < version < 256 for version, secret in secrets.items()):
            raise ValueError("at least one secret of 32 bytes or more is needed, under a version of 1 to 255")
        self._keys = {
            bytes((version,)): HKDF(SHA256(), length=32, salt=None, info=f"guanxi|blind-index|{field}".encode()).derive(secret)
            for version, secret in secrets.items()
        }
        self._current = next(iter(self._keys))
        self._digest, self._other = (_by_sm3, _by_sha256) if cipher == "sm4-gcm" else (_by_sha256, _by_sm3)

    def index(self, value: str) -> bytes:
        """What to store beside the sealed `value`, which the caller has normalised."""
        return self._current + self._digest(self._keys[self._current], value)

    def candidates(self, value: str) -> list[bytes]:
        """What a stored index of `value` may be: use `= ANY(…)` (or `&&` for arrays)."""
        return [version + digest(key, value) for digest in (self._digest, self._other) for version, key in self._keys.items()]

    def is_current(self, index: bytes) -> bool:
        """Whether the index is of the current secret. Says nothing of the hash: `rotation` compares the whole index."""
        return index[:1] == self._current


def _by_sha256(key: bytes, value: str) -> bytes:
    return hmac.digest(key, value.encode(), "sha256")


def _by_sm3(key: bytes, value: str) -> bytes:
    digest = HMAC(key, SM3())
    digest.update(value.encode())
    return digest.finalize()
