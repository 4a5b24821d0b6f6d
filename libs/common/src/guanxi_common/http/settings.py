"""What an operator can set about the HTTP edge, and the parts that an API process is built from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.erasure.replay import ErasureWatch
from guanxi_common.keys.watch import KeyWatch
from guanxi_common.parts import Part
from guanxi_common.security.directory.repository import resolve_principal
from guanxi_common.security.principal import Identity, Principal

RATES = {"standard": "6000/minute", "search": "300/minute", "reveal": "60/minute", "bulk": "6000/minute"}
"""Requests of one caller per class of operation and process; bulk counts batches, not their items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """`secrets` (each ≥ 32 bytes, the leading one first) seal cursors and stored answers. Times are in seconds."""

    secrets: tuple[bytes, ...]
    server_url: str = "/"
    request_timeout: float = 10
    body_timeout: float = 10
    most_in_work: int = 512
    principal_ttl: float = 1.0
    idempotency_retention: timedelta = timedelta(hours=48)
    rates: dict[str, str] = field(default_factory=lambda: dict(RATES))

    def __post_init__(self) -> None:
        if not self.secrets or any(len(secret) < 32 for secret in self.secrets):
            raise ValueError("at least one secret of 32 bytes or more is needed")
        if self.idempotency_retention < timedelta(hours=24):
            raise ValueError("stored answers are kept for at least 24 hours")


class TokenVerifier(Protocol):
    async def verify(self, token: str) -> Identity:
        """Raises `Unauthenticated`."""
        ...


PrincipalResolver = Callable[[UnitOfWork, Identity], Awaitable[Principal]]


@dataclass(frozen=True, kw_only=True)
class ServiceParts:
    """What the edge needs. A service extends it with its own parts (keys, ciphers) and reads them from `call.parts`.

    `needed_revision` is the schema revision that the code needs (`db.migrate.head_revision`); `close` runs once, after the last
    request has been answered, and releases what the parts hold. `background` runs beside the requests and is shown by `/healthz`.
    `service` names the process there. With a `key_watch` the process is ready when no master key is missing,
    with an `erasure_watch` when the list of erasures has been played again.
    """

    database: Database
    clock: Clock
    tokens: TokenVerifier
    resolve_principal: PrincipalResolver = resolve_principal
    calendar: BusinessCalendar = field(default_factory=BusinessCalendar)
    needed_revision: str | None = None
    service: str = "guanxi"
    background: Sequence[Part] = ()
    key_watch: KeyWatch | None = None
    erasure_watch: ErasureWatch | None = None

    async def open(self) -> None:
        """Runs before the first request."""

    async def close(self) -> None:
        """Release what the parts hold; an extension calls this last."""
        await self.database.dispose()
