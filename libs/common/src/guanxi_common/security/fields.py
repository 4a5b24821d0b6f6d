"""Field encryption: an AEAD envelope under the customer's data key.

    version 1 | cipher 1 | key id 16 | nonce 12 | ciphertext | tag 16        (bytes)

AES-256-GCM, or SM4-GCM (国密; GB/T 32907, RFC 8998) under a 16-byte key derived from the data key by HKDF-SHA-256. The nonce is
random: with one key per customer the number of messages under a key stays far below the 2^32 that GCM allows. The associated data
are the header, table, column, row and key id, so that a value moved to another place, or put under another header, does not open.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guanxi_common.keys.store import Cipher, DataKey
from guanxi_common.security import sm4

_VERSION = 1
_CIPHERS: dict[Cipher, int] = {"aes-256-gcm": 1, "sm4-gcm": 2}
_CIPHER_NAMES = {number: name for name, number in _CIPHERS.items()}
_HEADER, _NONCE, _TAG = 18, 12, 16


class SealBroken(Exception):
    """The sealed value was changed, belongs elsewhere, or its key is not at hand. Says nothing of the content."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands; it opens nowhere else. In an event: the topic, `sealed`, and the customer's id."""

    table: str
    column: str
    row: UUID | str

    def associated_data(self, header: bytes) -> bytes:
        parts = (header, self.table.encode(), self.column.encode(), str(self.row).encode())
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def seal(text: str, key: DataKey, place: Place) -> bytes:
    """Encrypt `text` under `key` for `place`."""
    header = bytes((_VERSION, _CIPHERS[key.cipher])) + key.id.bytes
    nonce = os.urandom(_NONCE)
    return header + nonce + _encrypt(key.cipher, key.material, nonce, text.encode(), place.associated_data(header))


def unseal(sealed: bytes, key: DataKey, place: Place) -> str:
    """Decrypt what `seal` made for `place`, under `key` or one of its predecessors. Raises `SealBroken`."""
    header, nonce, body = sealed[:_HEADER], sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE :]
    if len(body) < _TAG or header[0] != _VERSION or header[1] not in _CIPHER_NAMES:
        raise SealBroken("not a sealed value")
    opener = key.find(UUID(bytes=header[2:]))
    if opener is None:
        raise SealBroken("sealed under another key")
    try:
        return _decrypt(_CIPHER_NAMES[header[1]], opener.material, nonce, body, place.associated_data(header)).decode()
    except InvalidTag:
        raise SealBroken("changed, or sealed for another place") from None


def reseal(sealed: bytes, key: DataKey, place: Place) -> bytes | None:
    """The value under the current key and cipher; None if it is so already. Raises `SealBroken`."""
    if sealed[:_HEADER] == bytes((_VERSION, _CIPHERS[key.cipher])) + key.id.bytes:
        return None
    return seal(unseal(sealed, key, place), key, place)


def seal_json(value: Mapping[str, Any], key: DataKey, place: Place) -> str:
    """The `sealed` field of an event: a JSON object, sealed, in base64url without padding."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.urlsafe_b64encode(seal(text, key, place)).rstrip(b"=").decode()


def unseal_json(sealed: str, key: DataKey, place: Place) -> dict[str, Any]:
    """Open the `sealed` field of an event. Raises `SealBroken`."""
    try:
        envelope = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SealBroken("not a sealed value") from None
    opened: dict[str, Any] = json.loads(unseal(envelope, key, place))
    return opened


def _encrypt(cipher: Cipher, material: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    if cipher == "aes-256-gcm":
        return AESGCM(material).encrypt(nonce, plain, associated)
    return sm4.encrypt(_sm4_key(material), nonce, plain, associated)


def _decrypt(cipher: Cipher, material: bytes, nonce: bytes, body: bytes, associated: bytes) -> bytes:
    if cipher == "aes-256-gcm":
        return AESGCM(material).decrypt(nonce, body, associated)
    return sm4.decrypt(_sm4_key(material), nonce, body, associated)


def _sm4_key(material: bytes) -> bytes:
    return HKDF(SHA256(), length=16, salt=None, info=b"guanxi|sm4-gcm").derive(material)
