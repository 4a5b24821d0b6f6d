"""Events that grant power carry their producer's signature: whoever may write to such a topic is not thereby believed.

A topic is *signed* if `guanxi_contracts/topics/*.yaml` says so. The relay of its producer adds the header `ce_signature`, and a consumer
applies a record of that topic, tombstones included, only if the header holds.

    ce_signature   <key id>:<base64 of Ed25519's 64 bytes>

The signature covers the topic, the key, every CloudEvents attribute that was sent (id, type, epoch, version, time, …) and SHA-256 of the
value; so no attribute can be changed, left out or added, and the record means nothing under another key or on another topic. A key id
is `<service>/<label>`, and only a producer of the topic can have signed: another service's key does not do. What a signature cannot
prevent is that an old record is sent again: there the versions decide.

Source: RFC 8032 (Ed25519).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from guanxi_contracts.codec import SIGNATURE_HEADER
from guanxi_contracts.topics import load_topics

from guanxi_common.messaging.bus import Outgoing, Record

NOT_FROM_ITS_PRODUCER: Final = "not_from_its_producer"
"""The reason of the dead letter."""

_DOMAIN: Final = b"guanxi event v1"


class EventSigner:
    """Signs as one producer. `key_id` is `<service>/<label>`, `seed` the 32 bytes of an Ed25519 private key."""

    def __init__(self, key_id: str, seed: bytes) -> None:
        self.key_id = key_id
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> bytes:
        """What consumers must know under `key_id`."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, record: Outgoing) -> Outgoing:
        """The record with its signature; signing again gives the same bytes."""
        headers = tuple(header for header in record.headers if header[0] != SIGNATURE_HEADER)
        signature = self._key.sign(_signed_bytes(record.topic, record.key, record.value, headers))
        text = f"{self.key_id}:".encode() + base64.b64encode(signature)
        return replace(record, headers=(*headers, (SIGNATURE_HEADER, text)))


class EventVerifier:
    """Knows the producers' public keys by id. Without any, every record of a signed topic is refused."""

    def __init__(self, public_keys: Mapping[str, bytes]) -> None:
        self._keys = {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in public_keys.items()}

    def accepts(self, record: Record) -> bool:
        """Whether the record may be applied: its topic is not signed, or a producer of the topic has signed just this. Never raises."""
        producers = signed_topics().get(record.topic)
        if producers is None:
            return True
        if record.key is None:
            return False
        key_id, _, text = dict(record.headers).get(SIGNATURE_HEADER, b"").decode(errors="replace").partition(":")
        key = self._keys.get(key_id)
        if key is None or producer_of(key_id) not in producers:
            return False
        try:
            signature = base64.b64decode(text, validate=True)
            key.verify(signature, _signed_bytes(record.topic, record.key, record.value, record.headers))
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


@cache
def signed_topics() -> Mapping[str, frozenset[str]]:
    """The producers of each signed topic."""
    return {topic.name: frozenset(topic.producers) for topic in load_topics().values() if topic.signed}


def producer_of(key_id: str) -> str:
    """The service that a key belongs to."""
    return key_id.partition("/")[0]


def _signed_bytes(topic: str, key: bytes, value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> bytes:
    """What is signed, each part with its length before it, so that no two records have the same bytes."""
    covered = sorted(header for header in headers if header[0] != SIGNATURE_HEADER and _is_attribute(header[0]))
    digest = b"" if value is None else sha256(value).digest()
    parts = [_DOMAIN, topic.encode(), key, digest, *(part for name, text in covered for part in (name.encode(), text))]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _is_attribute(name: str) -> bool:
    """Headers that are no attributes of the event may be added on the way, by a mirror or a tracer."""
    return name.startswith("ce_") or name == "content-type"
