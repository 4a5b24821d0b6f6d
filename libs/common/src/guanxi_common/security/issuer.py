"""The local issuer of the embedded default: it signs tokens for anyone who can read its key file. Refused in production.

Its folder (`.guanxi/issuer/`) holds `key.json`, the private key (mode 600), and `jwks.json`, what verifiers read.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

from joserfc import jwt
from joserfc.jwk import ECKey

from guanxi_common.clock import Clock
from guanxi_common.ids import new_id
from guanxi_common.security.secret_files import read_or_create, replace

LOCAL_ISSUER = "https://issuer.guanxi.local"
DEFAULT_AUDIENCE = "guanxi"
DEFAULT_LIFETIME = timedelta(hours=8)


class LocalIssuerRefused(Exception):
    """The local issuer is for development: in production tokens come from the bank's own issuer."""


class LocalIssuer:
    """Issues RFC 9068 access tokens signed with ES256. The key is made at the first use and kept."""

    def __init__(self, folder: Path, clock: Clock, *, production: bool = False) -> None:
        if production:
            raise LocalIssuerRefused("the local issuer is refused in production; set GUANXI_ISSUER and GUANXI_JWKS")
        self._clock = clock
        self._key = ECKey.import_key(json.loads(read_or_create(folder / "key.json", _make_key)))
        self.jwks_file = folder / "jwks.json"
        public = {**self._key.as_dict(private=False), "use": "sig", "alg": "ES256"}
        published = json.dumps({"keys": [public]}).encode()
        if not self.jwks_file.exists() or self.jwks_file.read_bytes() != published:
            replace(self.jwks_file, published)

    def issue(
        self,
        subject: str,
        *,
        kind: Literal["staff", "client"] = "staff",
        audience: str | Sequence[str] = DEFAULT_AUDIENCE,
        lifetime: timedelta = DEFAULT_LIFETIME,
    ) -> str:
        """A token for `subject`, valid from now for `lifetime`."""
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": LOCAL_ISSUER,
            "sub": subject,
            "client_id": subject if kind == "client" else "guanxi-cli",
            "aud": audience if isinstance(audience, str) else list(audience),
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "jti": str(new_id()),
        } | ({"gty": "client-credentials"} if kind == "client" else {})
        return jwt.encode({"typ": "at+jwt", "alg": "ES256", "kid": self._key.kid}, claims, self._key, ["ES256"])


def _make_key() -> bytes:
    key = ECKey.generate_key("P-256", auto_kid=True)
    return json.dumps(key.as_dict(private=True)).encode()
