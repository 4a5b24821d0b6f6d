"""The security parts of a process, made from its settings."""

from pathlib import Path

from guanxi_common.clock import Clock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.keys.wrapping import LocalKeyWrapper
from guanxi_common.messaging.signing import EventSigner, EventVerifier
from guanxi_common.security.blind_index import BlindIndex
from guanxi_common.security.issuer import LOCAL_ISSUER, LocalIssuer
from guanxi_common.security.jwks import Jwks, file_loader, url_loader
from guanxi_common.security.tokens import TokenVerifier
from guanxi_common.settings import ServiceSettings


def build_token_verifier(settings: ServiceSettings, clock: Clock) -> TokenVerifier:
    """The verifier of the configured issuer; in development, without one, of the local issuer."""
    jwks = settings.jwks
    if jwks is None or settings.issuer == LOCAL_ISSUER:
        jwks = str(LocalIssuer(settings.issuer_dir, clock, production=settings.production).jwks_file)
    load = url_loader(jwks) if jwks.startswith(("https://", "http://")) else file_loader(Path(jwks))
    return TokenVerifier(settings.issuer, settings.audiences, Jwks(load, clock), clock, settings.client_grant_claim)


def build_key_store(settings: ServiceSettings, clock: Clock) -> DatabaseKeyStore:
    """The key store; a `KeyWatch` prepares it for its first use. `close()` it at the end: it has a pool of its own."""
    if settings.keys_database_url is None:
        raise ValueError("no key database is configured")
    engine = create_engine(settings.keys_database_url, pool_size=2, application_name=f"{settings.service} keys")
    return DatabaseKeyStore(
        Database(engine), LocalKeyWrapper(settings.master_key_ring, cipher=settings.cipher), clock, cipher=settings.cipher
    )


def build_signer(settings: ServiceSettings) -> EventSigner | None:
    """What the relay signs with; None for a service without signed topics. Raises `SettingsError`."""
    return EventSigner(*pair) if (pair := settings.event_signing_pair) else None


def build_verifier(settings: ServiceSettings) -> EventVerifier:
    """What the consumers believe. Raises `SettingsError`."""
    return EventVerifier(settings.event_public_ring)


def build_blind_index(settings: ServiceSettings, field: str) -> BlindIndex:
    """The blind index of one field."""
    return BlindIndex(field, settings.blind_index_ring, cipher=settings.cipher)
