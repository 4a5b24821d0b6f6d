"""The issuer's public keys (RFC 7517), from a file or a URL.

Guarantees
- At most one attempt to load in 30 s, however many unknown key ids arrive and however many callers wait.
- A key that the issuer withdrew stops verifying within `MAX_AGE`; a load that fails keeps the keys there are.
- Only signature keys of the allow-list are taken: P-256, Ed25519, RSA from 2,048 bits. Symmetric keys never are.
- A key that says what it is for (`use`, `key_ops`, `alg`; RFC 7517 §4.2 to 4.4) is taken for verifying with that algorithm or not at all.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import anyio
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from guanxi_common.clock import Clock
from guanxi_common.errors import Text, Unavailable
from guanxi_common.http.client import FetchFailed, fetch

REFRESH_INTERVAL = timedelta(seconds=30)
MAX_AGE = timedelta(minutes=10)
_ALGORITHMS = {"EC": ("ES256",), "OKP": ("EdDSA", "Ed25519"), "RSA": ("RS256",)}
_RSA_MIN_MODULUS = 342  # base64url characters of 2,048 bits

Load = Callable[[], Awaitable[bytes]]
_log = structlog.get_logger()


class JwksSource(Protocol):
    """Where a verifier finds public keys."""

    async def key(self, kid: str) -> Key | None:
        """The key called `kid`, or None. Raises `Unavailable` while no keys could ever be loaded."""
        ...


class Jwks:
    """A key set loaded by `load` when first needed, and again for an unknown key id or when old."""

    def __init__(self, load: Load, clock: Clock) -> None:
        self._load = load
        self._clock = clock
        self._keys: Mapping[str, Key] | None = None
        self._loaded_at = clock.now() - 2 * MAX_AGE
        self._tried_at = self._loaded_at
        self._turn = asyncio.Lock()

    async def key(self, kid: str) -> Key | None:
        """See `JwksSource`."""
        if self._keys is None or kid not in self._keys or self._age(self._loaded_at) > MAX_AGE:
            await self._refresh()
        if self._keys is None:
            detail = Text("The issuer's keys cannot be loaded.", "无法加载签发方的密钥。")
            raise Unavailable(detail, headers={"Retry-After": str(int(REFRESH_INTERVAL.total_seconds()))})
        return self._keys.get(kid)

    def _age(self, since: Any) -> timedelta:
        # A clock set back must not freeze the keys: what lies in the future counts as old.
        age: timedelta = self._clock.now() - since
        return age if age >= timedelta(0) else 2 * MAX_AGE

    async def _refresh(self) -> None:
        async with self._turn:
            if self._age(self._tried_at) < REFRESH_INTERVAL:
                return
            self._tried_at = self._clock.now()
            try:
                self._keys = parse_jwks(await self._load())
                self._loaded_at = self._tried_at
            except (FetchFailed, OSError, ValueError) as error:
                _log.warning("jwks.load_failed", error=str(error))


def parse_jwks(document: bytes) -> dict[str, Key]:
    """The usable keys of a JWK set by their id; others are left out. Raises ValueError if it is no JWK set."""
    try:
        members = json.loads(document)["keys"]
        return {key["kid"]: imported for key in members if (imported := _import(key)) is not None}
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("not a JWK set") from error


def _import(key: dict[str, Any]) -> Key | None:
    if not isinstance(key.get("kid"), str) or not _may_verify(key):
        return None
    try:
        match key.get("kty"), key.get("crv"):
            case "EC", "P-256":
                return ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
            case "OKP", "Ed25519":
                return OKPKey.import_key({name: key[name] for name in ("kty", "crv", "x")})
            case "RSA", _ if len(key["n"]) >= _RSA_MIN_MODULUS:
                return RSAKey.import_key({name: key[name] for name in ("kty", "n", "e")})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None


def _may_verify(key: Mapping[str, Any]) -> bool:
    """What the key's own members permit; those that are absent permit everything, malformed ones nothing."""
    algorithms = _ALGORITHMS.get(str(key.get("kty")), ())
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("use", "sig") == "sig"
        and ("alg" not in key or key["alg"] in algorithms)
        and isinstance(operations, list)
        and "verify" in operations
    )


def file_loader(path: Path) -> Load:
    """Load from a file, which may be replaced while we run."""
    return anyio.Path(path).read_bytes


def url_loader(url: str) -> Load:
    """Load over HTTP."""

    async def load() -> bytes:
        return await fetch(url)

    return load
