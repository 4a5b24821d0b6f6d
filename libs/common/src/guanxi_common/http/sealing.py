"""Sealing of what leaves or rests outside the domain's tables: cursors and stored answers."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Unsealable(Exception):
    """The bytes were not sealed with our keys for this purpose and context, or have been changed."""


class Sealer:
    """AES-256-GCM-SIV (RFC 8452) under keys derived for one purpose. The first secret seals, all of them open and are looked up.

    Rotation is two steps, each rolled out to every process before the next: add the new secret behind the old one, then let it lead.
    Two processes one step apart always share a secret under which one finds what the other stored.

    A repeated random nonce reveals no more than that two messages are equal, so one key serves for the life of a deployment.
    """

    def __init__(self, secrets: Sequence[bytes], purpose: str) -> None:
        self._ciphers = [AESGCMSIV(_derive(secret, f"seal|{purpose}")) for secret in secrets]
        self._digest_keys = [_derive(secret, f"digest|{purpose}") for secret in secrets]

    def seal(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._ciphers[0].encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises `Unsealable`."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
            except (InvalidTag, ValueError):
                continue
        raise Unsealable

    def digests(self, *parts: bytes) -> tuple[bytes, ...]:
        """The keyed digest of the parts under each secret, the leading one first. Parts are length-prefixed; without the key a digest
        cannot be guessed from a small set of values.
        """
        return tuple(_digest(key, parts) for key in self._digest_keys)


def _digest(key: bytes, parts: Sequence[bytes]) -> bytes:
    mac = HMAC(key, SHA256())
    for part in parts:
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return mac.finalize()


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"guanxi|{purpose}".encode()).derive(secret)
