"""What connections must be like: over TLS to a checked peer, unless nothing but this machine is between the two.

The rules are pure; `TransportSettings` holds what an operator sets about connections. In production every address must keep them, unless
`GUANXI_ALLOW_PLAINTEXT` names its kind, which each start then logs as a warning.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from guanxi_common.messaging.kafka.security import KafkaSecurity, Mechanism, Protocol

KINDS: Final = ("kafka", "postgresql", "jwks")
_CHECKED: Final = "verify-full"
"""The one `sslmode` that authenticates the server: `require` encrypts to whoever answers, `verify-ca` to any server of the authority."""

_REDIRECTING: Final = frozenset({"host", "hostaddr", "port", "service", "servicefile"})


def is_local(host: str) -> bool:
    """Whether what is sent to `host` stays on this machine: a loopback address, `localhost`, or the folder of a Unix socket."""
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def postgresql_flaw(url: str) -> str | None:
    """Why a connection to `url` is not safe; None if it is. Reads the URL as asyncpg does, and refuses what can be read in two ways."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) != len(pairs):
        return "names a parameter twice"
    hosts = parts.netloc.partition("@")[2] if "@" in parts.netloc else parts.netloc
    if (hosts and query.keys() & _REDIRECTING) or parts.netloc.count("@") > 1:
        return "can be read in two ways"
    if query.get("sslmode") == _CHECKED:
        return None
    places = [unquote(_without_port(host)) for host in (hosts or query.get("host", "")).split(",")]
    if "service" not in query and all(places) and all(map(is_local, places)):
        return None
    return f"needs sslmode={_CHECKED}"


def kafka_flaw(bootstrap_servers: str, security: KafkaSecurity) -> str | None:
    """As `postgresql_flaw`, for Kafka's servers."""
    if security.encrypts or all(is_local(_without_port(server.strip())) for server in bootstrap_servers.split(",")):
        return None
    return "needs GUANXI_KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL"


def jwks_flaw(address: str) -> str | None:
    """As `postgresql_flaw`, for the issuer's keys: a file, or a URL."""
    parts = urlsplit(address)
    if parts.scheme.lower() != "http" or is_local(parts.hostname or ""):
        return None
    return "must be https or a file"


def kafka_security_flaws(security: KafkaSecurity) -> list[str]:
    """What of Kafka's settings does not go together; never what a secret is."""
    flaws = []
    sasl = security.protocol.startswith("SASL_")
    if sasl and not security.mechanism:
        flaws.append("GUANXI_KAFKA_SECURITY_PROTOCOL needs GUANXI_KAFKA_SASL_MECHANISM")
    if sasl and bool(security.username) != bool(security.password):
        flaws.append("GUANXI_KAFKA_USERNAME and GUANXI_KAFKA_PASSWORD go together")
    if not sasl and (security.mechanism or security.username or security.password):
        flaws.append("GUANXI_KAFKA_USERNAME and GUANXI_KAFKA_PASSWORD are for SASL_SSL")
    if security.mechanism == "PLAIN" and not security.encrypts:
        flaws.append("GUANXI_KAFKA_SASL_MECHANISM PLAIN sends the password itself: only over SASL_SSL")
    files = {"CA_FILE": security.ca_file, "CERTIFICATE": security.certificate, "PRIVATE_KEY": security.private_key}
    if not security.encrypts and any(files.values()):
        flaws.append("GUANXI_KAFKA_CA_FILE and the client's certificate are for SSL and SASL_SSL")
    if (security.certificate is None) != (security.private_key is None):
        flaws.append("GUANXI_KAFKA_CERTIFICATE and GUANXI_KAFKA_PRIVATE_KEY go together")
    if security.encrypts and not flaws:
        flaws += _unfit_files(security, [f"GUANXI_KAFKA_{name}" for name, file in files.items() if file])
    return flaws


def _unfit_files(security: KafkaSecurity, names: list[str]) -> list[str]:
    try:
        security.client_options()
    except OSError as error:
        return [f"{', '.join(names)} cannot be used: {type(error).__name__}"]
    return []


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host if host.startswith("/") else host.partition(":")[0]


class TransportSettings(BaseSettings):
    """How Kafka is spoken to, and which connections may be in plain.

    `kafka_security_protocol`, `kafka_sasl_mechanism`, `kafka_username` and `kafka_password` are Kafka's; the files are PEM. The
    databases' addresses carry `sslmode`, `sslrootcert`, `sslcert` and `sslkey` themselves. `allow_plaintext` names kinds, with
    commas between them: `kafka`, `postgresql`, `jwks`.
    """

    service: ClassVar[str]

    kafka_security_protocol: Protocol = "PLAINTEXT"
    kafka_sasl_mechanism: Mechanism | None = None
    kafka_username: str | None = None
    kafka_password: str | None = Field(default=None, repr=False)
    kafka_ca_file: Path | None = None
    kafka_certificate: Path | None = None
    kafka_private_key: Path | None = None
    allow_plaintext: str = ""

    @field_validator("allow_plaintext")
    @classmethod
    def _kinds_are_known(cls, names: str) -> str:
        if unknown := [name for name in _listed(names) if name not in KINDS]:
            raise ValueError(f"{', '.join(unknown)}: known are {', '.join(KINDS)}")
        return names

    @property
    def kafka_security(self) -> KafkaSecurity:
        return KafkaSecurity(
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_username,
            self.kafka_password,
            self.kafka_ca_file,
            self.kafka_certificate,
            self.kafka_private_key,
        )

    def transport_problems(self, *, production: bool) -> list[str]:
        """What does not go together, and in production what would go in plain without leave."""
        problems = kafka_security_flaws(self.kafka_security)
        if production:
            allowed = _listed(self.allow_plaintext)
            problems += [f"{name} {flaw}" for name, (kind, flaw) in self.unsafe_connections().items() if kind not in allowed]
        return problems

    def unsafe_connections(self) -> dict[str, tuple[str, str]]:
        """Setting → (kind, flaw) of each connection that is not safe."""
        found: dict[str, tuple[str, str]] = {}
        for name, url in self._postgresql_urls().items():
            if url and (flaw := postgresql_flaw(url)):
                found[name] = "postgresql", flaw
        servers: str | None = getattr(self, "kafka_bootstrap_servers", None)
        if servers and (flaw := kafka_flaw(servers, self.kafka_security)):
            found["GUANXI_KAFKA_BOOTSTRAP_SERVERS"] = "kafka", flaw
        jwks: str | None = getattr(self, "jwks", None)
        if jwks and (flaw := jwks_flaw(jwks)):
            found["GUANXI_JWKS"] = "jwks", flaw
        return found

    def _postgresql_urls(self) -> Mapping[str, Any]:
        names = ("database_url", "keys_database_url", "bus_database_url")
        return {f"GUANXI_{name.upper()}": getattr(self, name, None) for name in names}


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]
