"""What an operator sets, read from the environment (`GUANXI_…`). Each service subclasses `ServiceSettings` with its name and extras.

In development whatever secret is not set is generated once into `<data_dir>/secrets/` (mode 600). In production nothing is
generated: a missing, malformed, guessable, shared or development secret, a missing address, the local issuer, the embedded log or
few partitions stop the start with one error that lists everything. No message repeats a value.
"""

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from guanxi_common.keys.store import Cipher
from guanxi_common.messaging.kafka.security import KafkaSecurity
from guanxi_common.messaging.signing import EventSigner, producer_of, signed_topics
from guanxi_common.security.entropy import KEY_BYTES, flaw_of_key, shared_keys
from guanxi_common.security.issuer import DEFAULT_AUDIENCE, LOCAL_ISSUER
from guanxi_common.security.secret_files import read_or_create
from guanxi_common.security.tokens import GRANT_CLAIM
from guanxi_common.set_aside.policy import USUAL, Patience
from guanxi_common.transport import TransportSettings

_DEVELOPMENT_MARK = b"dev!"
_SECRET_BYTES = KEY_BYTES


class SettingsError(Exception):
    """The settings do not do; the text lists every reason, one a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("these settings are missing or unfit:\n" + "\n".join(f"- {problem}" for problem in problems))
        self.problems = tuple(problems)


def _secret() -> Any:
    return Field(default=None, repr=False)


def _address(*names: str) -> Any:
    """A setting that platforms know by a plain name too; ours, with the prefix, comes first."""
    return Field(default=None, repr=False, validation_alias=AliasChoices(*(f"GUANXI_{name}" for name in names), *names))


class ServiceSettings(TransportSettings):
    """The settings that all services share; those about connections are `TransportSettings`.

    Keys are written `id:base64`, several with commas between them, the current one first; 32 bytes each. `master_keys` wrap the
    customers' data keys; `blind_index_keys` (ids 1 to 255) index sealed fields; `http_secrets` (base64, without ids) seal cursors and
    stored answers; `audit_key` (one, base64) signs the audit log's tree heads. `event_signing_key` (one) signs this service's events on
    signed topics, `event_public_keys` are those of all their producers; the ids are `<service>/<label>`. `jwks` is a file or a URL;
    `client_grant_claim` is the claim in which the issuer says that a token was granted for client credentials. `worker_port` serves
    `/livez`, `/healthz`, `/metrics` of the worker, on `worker_host`. `item_attempts`: how often an item of a queue fails until it is
    set aside. `dead_letter_limit`: how many open dead letters of the last hour pause a partition. `few_partitions`: topics with 4
    partitions, for tests; it can never be changed for a broker's data.
    """

    model_config = SettingsConfigDict(
        env_prefix="GUANXI_", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    service: ClassVar[str] = "guanxi"

    environment: Literal["development", "production"] = "development"
    database_url: str | None = _address("DATABASE_URL")
    keys_database_url: str | None = _address("KEYS_DATABASE_URL")
    bus_database_url: str | None = _address("BUS_DATABASE_URL")
    kafka_bootstrap_servers: str | None = _address("KAFKA_BOOTSTRAP_SERVERS")
    data_dir: Path = Field(default=Path(".guanxi"), validation_alias=AliasChoices("GUANXI_DATA_DIR", "GUANXI_HOME"))
    business_zone: str = "Asia/Shanghai"
    issuer: str = LOCAL_ISSUER
    audience: str = DEFAULT_AUDIENCE
    jwks: str | None = None
    client_grant_claim: str = GRANT_CLAIM
    cipher: Cipher = "aes-256-gcm"
    master_keys: str | None = _secret()
    blind_index_keys: str | None = _secret()
    http_secrets: str | None = _secret()
    audit_key: str | None = _secret()
    event_signing_key: str | None = _secret()
    event_public_keys: str | None = None
    worker_port: int | None = None
    worker_host: str = "127.0.0.1"
    erasure_list: Path | None = None
    """The file of erasures, on a volume that every process of all services mounts and no backup of a database holds."""
    few_partitions: bool = False
    item_attempts: int = Field(default=USUAL.attempts, ge=1, le=20)
    dead_letter_limit: int = Field(default=100, ge=1, le=100_000)

    @field_validator("business_zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("not a time zone of the IANA database")
        return zone

    @model_validator(mode="after")
    def _all_at_once(self) -> Self:
        problems = [*self._missing_addresses(), *self._unfit_secrets(), *self.transport_problems(production=self.production)]
        if self.production:
            problems += [*self._unfit_issuer(), *self._for_one_machine(), *self._shared_secrets(), *self._unfit_for_the_service()]
        if problems:
            raise SettingsError(problems)
        return self

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def audiences(self) -> tuple[str, ...]:
        """The audiences a token may be for: the deployment's, and this service's own for calls between services."""
        return self.audience, self.service

    @property
    def patience(self) -> Patience:
        return Patience(self.item_attempts)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.business_zone)

    @property
    def issuer_dir(self) -> Path:
        """Where the local issuer keeps its keys."""
        return self.data_dir / "issuer"

    @property
    def erasure_file(self) -> Path:
        """Where the list of erasures lies; in development by default below the data folder. Raises `SettingsError` in production."""
        if self.erasure_list is None and self.production:
            raise SettingsError(["GUANXI_ERASURE_LIST is not set: erasures must outlive the databases"])
        return self.erasure_list or self.data_dir / "erasures" / "list.jsonl"

    @property
    def kafka_client(self) -> KafkaSecurity:
        """Who the worker is to the brokers; no other process speaks to them. Raises `SettingsError` where its password is missing."""
        if self.kafka_bootstrap_servers and self.kafka_sasl_mechanism and not self.kafka_password:
            raise SettingsError(["GUANXI_KAFKA_USERNAME and GUANXI_KAFKA_PASSWORD are not set"])
        return self.kafka_security

    @cached_property
    def master_key_ring(self) -> dict[str, bytes]:
        """Master keys by id, the current one first."""
        return _parse_ring(self._secret("master_keys"))

    @cached_property
    def blind_index_ring(self) -> dict[int, bytes]:
        """Blind-index secrets by version, the current one first."""
        return {int(version): secret for version, secret in _parse_ring(self._secret("blind_index_keys")).items()}

    @cached_property
    def http_secret_list(self) -> tuple[bytes, ...]:
        """The secrets of cursors and stored answers, the current one first."""
        return tuple(_decode(part) for part in self._secret("http_secrets").split(","))

    @cached_property
    def audit_seed(self) -> bytes:
        """The Ed25519 seed that signs tree heads."""
        return _decode(self._secret("audit_key"))

    @cached_property
    def event_signing_pair(self) -> tuple[str, bytes] | None:
        """Id and Ed25519 seed of the key that signs events; None for a service without signed topics.

        Raises `SettingsError` in production where it is missing: the worker alone needs it.
        """
        if self.service not in _producers_of_signed_topics():
            return None
        if self.event_signing_key is None and self.production:
            raise SettingsError(["GUANXI_EVENT_SIGNING_KEY is not set"])
        [pair] = _parse_ring(self.event_signing_key or self._generated_signing_key(self.service)).items()
        return pair

    @cached_property
    def event_public_ring(self) -> dict[str, bytes]:
        """Public keys of the producers of signed topics, by id. Raises `SettingsError` in production where none is set."""
        if self.event_public_keys is not None:
            return _parse_ring(self.event_public_keys)
        if self.production:
            raise SettingsError(["GUANXI_EVENT_PUBLIC_KEYS is not set"])
        generated = ",".join(self._generated_signing_key(producer) for producer in _producers_of_signed_topics())
        return {key_id: _public_key(seed) for key_id, seed in _parse_ring(generated).items()}

    def _generated_signing_key(self, service: str) -> str:
        """What development has generated for the service; all of them share the folder."""
        path = self.data_dir / "secrets" / f"event-signing-key-{service}"
        return read_or_create(path, (f"{service}/development:" + _generate()).encode).decode()

    def _secret(self, name: str) -> str:
        """The setting; in development, what was generated for it."""
        given: str | None = getattr(self, name)
        if given is not None:
            return given
        path = self.data_dir / "secrets" / name.replace("_", "-")
        return read_or_create(path, (_ID_OF.get(name, "") + _generate()).encode).decode()

    def _missing_addresses(self) -> list[str]:
        missing = [
            f"GUANXI_{name.upper()} is not set" for name in ("database_url", "keys_database_url") if not getattr(self, name)
        ]
        if not self.kafka_bootstrap_servers and not self.bus_database_url:
            missing.append(
                "GUANXI_KAFKA_BOOTSTRAP_SERVERS is not set"
                if self.production
                else "neither GUANXI_KAFKA_BOOTSTRAP_SERVERS nor GUANXI_BUS_DATABASE_URL is set"
            )
        return missing

    def _unfit_for_the_service(self) -> list[str]:
        """What one service demands of its own settings in production."""
        return []

    def _unfit_issuer(self) -> list[str]:
        problems = []
        if self.issuer == LOCAL_ISSUER:
            problems.append("GUANXI_ISSUER is not set: the local issuer is for development")
        if not self.jwks:
            problems.append("GUANXI_JWKS is not set")
        return problems

    def _for_one_machine(self) -> list[str]:
        problems = []
        if self.bus_database_url:
            problems.append("GUANXI_BUS_DATABASE_URL is set: the embedded log is for one machine")
        if self.few_partitions:
            problems.append("GUANXI_FEW_PARTITIONS is set: it is for tests")
        return problems

    def _shared_secrets(self) -> list[str]:
        """Each use has a key of its own, and so has each rotation: who learns one key learns no other."""
        rings: dict[str, list[bytes]] = {}
        for name in (*_SECRETS, "event_signing_key"):
            given: str | None = getattr(self, name)
            if given is not None and _flaw(name, given, production=False) is None:
                rings[f"GUANXI_{name.upper()}"] = list(_parts(name, given).values())
        return shared_keys(rings)

    def _unfit_secrets(self) -> list[str]:
        problems = []
        for name in _SECRETS:
            given: str | None = getattr(self, name)
            reason = _flaw(name, given, self.production)
            if reason:
                problems.append(f"GUANXI_{name.upper()} {reason}")
        return [*problems, *self._unfit_event_keys()]

    def _unfit_event_keys(self) -> list[str]:
        problems = []
        if self.event_signing_key is not None:
            reason = _flaw("event_signing_key", self.event_signing_key, self.production)
            if reason is None and not self.event_signing_key.startswith(f"{self.service}/"):
                reason = f"must be one key, with an id that begins with {self.service}/"
            if reason:
                problems.append(f"GUANXI_EVENT_SIGNING_KEY {reason}")
        if self.event_public_keys is not None and (reason := _flaw_of_public_keys(self.event_public_keys)):
            problems.append(f"GUANXI_EVENT_PUBLIC_KEYS {reason}")
        return problems


_SECRETS = ("master_keys", "blind_index_keys", "http_secrets", "audit_key")
_ID_OF = {"master_keys": "development:", "blind_index_keys": "1:"}
_WITH_IDS = (*_ID_OF, "event_signing_key")


def _flaw(name: str, given: str | None, production: bool) -> str | None:
    """Why the secret will not do; never what it is."""
    if given is None:
        return "is not set" if production else None
    try:
        parts = _parts(name, given)
    except ValueError as error:
        return str(error)
    if any(len(secret) != _SECRET_BYTES for secret in parts.values()):
        return f"must be of {_SECRET_BYTES} bytes each"
    if name == "blind_index_keys" and not all(str(version).isdecimal() and 0 < int(version) < 256 for version in parts):
        return "must have ids of 1 to 255"
    if name in ("audit_key", "event_signing_key") and len(parts) > 1:
        return "must be one key"
    if production and any(secret.startswith(_DEVELOPMENT_MARK) for secret in parts.values()):
        return "was generated for development"
    return _first_flaw(parts.values()) if production else None


def _first_flaw(secrets: Iterable[bytes]) -> str | None:
    flaws = (flaw_of_key(secret) for secret in secrets)
    return next((f"is not random: a key {flaw}" for flaw in flaws if flaw), None)


def _parts(name: str, given: str) -> Mapping[str | int, bytes]:
    """The keys of a setting by id or place. Raises ValueError."""
    if name in _WITH_IDS:
        return dict(_parse_ring(given).items())
    return dict(enumerate(_decode(part) for part in given.split(",")))


def _flaw_of_public_keys(given: str) -> str | None:
    try:
        ring = _parse_ring(given)
    except ValueError as error:
        return str(error)
    if any(len(key) != _SECRET_BYTES for key in ring.values()):
        return f"must be of {_SECRET_BYTES} bytes each"
    if any(producer_of(key_id) not in _producers_of_signed_topics() for key_id in ring):
        return f"must have ids that begin with {' or '.join(f'{name}/' for name in _producers_of_signed_topics())}"
    return None


def _producers_of_signed_topics() -> list[str]:
    return sorted(frozenset().union(*signed_topics().values()))


def _public_key(seed: bytes) -> bytes:
    return EventSigner("", seed).public_key


def _parse_ring(text: str) -> dict[str, bytes]:
    ring: dict[str, bytes] = {}
    for part in text.split(","):
        name, colon, secret = part.strip().partition(":")
        if not name or not colon:
            raise ValueError("must be written id:base64")
        if name in ring:
            raise ValueError("names an id twice")
        ring[name] = _decode(secret)
    return ring


def _decode(text: str) -> bytes:
    """Base64, of either alphabet, with or without padding."""
    plain = text.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None


def _generate() -> str:
    """A secret that production recognises as one of development: 28 of its 32 bytes are random."""
    return base64.b64encode(_DEVELOPMENT_MARK + os.urandom(_SECRET_BYTES - len(_DEVELOPMENT_MARK))).decode()
