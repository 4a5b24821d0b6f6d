"""What is hashed and signed: the leaf of an entry, the signed head of a tree. Pure; the verifier needs nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from guanxi_common.security.audit.merkle import leaf_hash

ENTRY_FIELDS = ("id", "at", "actor", "action", "purpose", "subject_type", "subject_id", "fields", "reason", "request_id")


def entry_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """An audit row as the JSON object that is hashed and exported; the sealed reason stays ciphertext, in hex."""
    entry = {name: row[name] for name in ENTRY_FIELDS}
    entry["at"] = row["at"].isoformat(timespec="microseconds")
    entry["reason"] = None if row["reason"] is None else row["reason"].hex()
    return entry


def entry_leaf(entry: Mapping[str, Any]) -> bytes:
    """The leaf hash of an entry: over its JSON with sorted keys, without spaces, in UTF-8."""
    return leaf_hash(json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree head of the log of one service. Its signature covers `log`, `size`, `root` and `at`."""

    log: str
    size: int
    root: bytes
    at: datetime
    public_key: bytes
    signature: bytes

    @classmethod
    def sign(cls, log: str, size: int, root: bytes, at: datetime, key: Ed25519PrivateKey) -> Self:
        signature = key.sign(_signed_bytes(log, size, root, at))
        return cls(log, size, root, at, key.public_key().public_bytes_raw(), signature)

    def is_signed(self) -> bool:
        """Whether the signature is by `public_key`. Whose key that is, only the caller can know."""
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(self.signature, _signed_bytes(self.log, self.size, self.root, self.at))
        except (InvalidSignature, ValueError):
            return False
        return True

    def as_json(self) -> dict[str, Any]:
        return {
            "log": self.log,
            "size": self.size,
            "root": self.root.hex(),
            "at": self.at.isoformat(timespec="microseconds"),
            "public_key": self.public_key.hex(),
            "signature": self.signature.hex(),
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError for what is no head."""
        return cls(
            value["log"],
            int(value["size"]),
            bytes.fromhex(value["root"]),
            datetime.fromisoformat(value["at"]),
            bytes.fromhex(value["public_key"]),
            bytes.fromhex(value["signature"]),
        )


def _signed_bytes(log: str, size: int, root: bytes, at: datetime) -> bytes:
    return b"guanxi audit head v1\n" + json.dumps([log, size, root.hex(), at.isoformat(timespec="microseconds")]).encode()
