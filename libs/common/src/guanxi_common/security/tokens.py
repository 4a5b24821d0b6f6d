"""Verification of access tokens: JWTs of RFC 9068, from which we take an identity and nothing else.

A token proves issuer, subject, and whether a person or a program holds it; role and row scope come from the directory.

*Person or program.* RFC 9068 §2.2 makes the client itself the subject of a client-credentials token, and §5 warns that an issuer who
lets clients choose their id may name one like a person. So two things must agree: the token names its own client as subject (`sub` is
`client_id`, or `<client_id>@clients` as Auth0 writes it), and the issuer says in a claim, `gty` by default, that it was granted for
client credentials. Both: a client's. Neither: a person's. One alone: `AmbiguousToken`, for nobody can tell who calls.

Checked, in this order: size; `alg` on the allow-list, `typ` `at+jwt` (an ID token has another) and no `crit`, for no extension is
understood here (RFC 7515 §4.1.11; an empty list is malformed); a known `kid`, whose key fits the algorithm; the signature; exact
`iss`; `aud` holds one of ours; `exp` and `nbf` within 60 s; `sub`. The headers `jku`, `x5u`, `jwk` and `x5c` are never read: keys
come from the configured source alone. Any failure is `Unauthenticated`, without a reason.
"""

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key

from guanxi_common.clock import Clock
from guanxi_common.errors import Text, Unauthenticated
from guanxi_common.security.jwks import JwksSource
from guanxi_common.security.principal import CallerKind, Identity

SKEW = timedelta(seconds=60)
REMEMBER_FOR = timedelta(seconds=60)
_REMEMBERED_TOKENS = 10_000
_MAX_TOKEN_BYTES = 16_384
_TYPES = ("at+jwt", "application/at+jwt")
GRANT_CLAIM = "gty"
_CLIENT_GRANTS = ("client-credentials", "client_credentials")
_KEY_TYPES = {"ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP", "RS256": "RSA"}


class AmbiguousToken(Unauthenticated):
    """A good token that is neither a client's nor a person's beyond doubt."""

    code, title = "ambiguous_token", Text("The token is neither a person's nor a client's", "令牌无法区分人员与客户端")


class _Registry(jws.JWSRegistry):
    """The allowed algorithms. `EdDSA` is the name that RFC 9864 replaces by `Ed25519`; issuers use both."""

    max_header_length = 4_096
    max_payload_length = _MAX_TOKEN_BYTES

    def get_alg(self, name: str) -> Any:
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


_REGISTRY = _Registry(algorithms=list(_KEY_TYPES), strict_check_header=False)


class TokenVerifier:
    """Verifies bearer tokens of one issuer for any of `audiences`.

    A verified token is remembered, by its hash, for at most 60 s and never past its `exp`: so a key that the issuer withdraws
    stops working at most that much later, and a hot caller costs one hash a request.
    """

    def __init__(
        self, issuer: str, audiences: tuple[str, ...], jwks: JwksSource, clock: Clock, grant_claim: str = GRANT_CLAIM
    ) -> None:
        if not issuer or not audiences or not all(audiences):
            raise ValueError("an issuer and at least one audience are needed")
        self._issuer = issuer
        self._audiences = frozenset(audiences)
        self._jwks = jwks
        self._clock = clock
        self._grant_claim = grant_claim
        self._remembered: OrderedDict[bytes, tuple[Identity, datetime, datetime]] = OrderedDict()

    async def verify(self, token: str) -> Identity:
        """Return whom `token` proves. Raises `Unauthenticated`; `Unavailable` while the issuer's keys cannot be had."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        now = self._clock.now()
        if (known := self._recall(digest, now)) is not None:
            return known
        try:
            claims = await self._open(token)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Unauthenticated from error
        identity, expires = self._identify(claims, now)
        self._remembered[digest] = (identity, now, min(expires, now + REMEMBER_FOR))
        if len(self._remembered) > _REMEMBERED_TOKENS:
            self._remembered.popitem(last=False)
        return identity

    def _recall(self, digest: bytes, now: datetime) -> Identity | None:
        entry = self._remembered.get(digest)
        if entry is None:
            return None
        identity, since, until = entry
        if not since <= now < until:
            del self._remembered[digest]
            return None
        self._remembered.move_to_end(digest)
        return identity

    async def _open(self, token: str) -> Mapping[str, Any]:
        """The claims, once the signature holds. What it raises for a bad token is listed in `verify`."""
        if len(token) > _MAX_TOKEN_BYTES:
            raise ValueError("too long")
        signed = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
        header = signed.headers()
        key_type = _KEY_TYPES[header["alg"]]
        if str(header.get("typ", "")).lower() not in _TYPES or not isinstance(header.get("kid"), str) or "crit" in header:
            raise ValueError("not an access token")
        key: Key | None = await self._jwks.key(header["kid"])
        if key is None or key.key_type != key_type or not jws.validate_compact(signed, key, registry=_REGISTRY):
            raise ValueError("not signed by the issuer")
        claims = json.loads(signed.payload or b"")
        if not isinstance(claims, dict):
            raise TypeError("claims are an object")
        return claims

    def _identify(self, claims: Mapping[str, Any], now: datetime) -> tuple[Identity, datetime]:
        subject, audience = claims.get("sub"), claims.get("aud")
        audiences = {audience} if isinstance(audience, str) else {a for a in _as_list(audience) if isinstance(a, str)}
        expires = _instant(claims.get("exp"), now)
        not_before = _instant(claims["nbf"], now) if "nbf" in claims else now
        if (
            claims.get("iss") != self._issuer
            or not audiences & self._audiences
            or not isinstance(subject, str)
            or not 0 < len(subject) <= 255
            or not subject.isprintable()
            or expires is None
            or not_before is None
            or not not_before - SKEW <= now < expires + SKEW
        ):
            raise Unauthenticated
        kind = kind_of(subject, claims.get("client_id"), claims.get(self._grant_claim))
        return Identity(self._issuer, claims["client_id"] if kind == "client" else subject, kind), expires + SKEW


def kind_of(subject: str, client_id: object, grant: object) -> CallerKind:
    """Who the holder of a token is, by the table of this module; raises `AmbiguousToken`. `grant` may be one value or a list."""
    names_itself = isinstance(client_id, str) and subject in (client_id, f"{client_id}@clients")
    granted = [grant] if isinstance(grant, str) else _as_list(grant)
    for_client = any(value in _CLIENT_GRANTS for value in granted)
    if names_itself != for_client:
        raise AmbiguousToken
    return "client" if names_itself else "staff"


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _instant(value: object, now: datetime) -> datetime | None:
    """A NumericDate as an instant, or None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    try:
        return datetime.fromtimestamp(value, now.tzinfo)
    except (OverflowError, OSError, ValueError):
        return None
