"""Stored answers: a POST repeated with the same `Idempotency-Key` gets the answer of the first, byte for byte.

- The answer is written in the transaction of its effect: there is never one without the other.
- While a request with the key is open, another gets `RequestInFlight`; it neither waits nor works.
- The key belongs to one caller and operation. The same key with another path or body is `IdempotencyKeyReused`; another spelling of
  the same JSON (`documents.canonical`) is the same body.
- A definite refusal (`is_definite`) is an answer too: its effects are undone, and it is kept under the same lock. Any other error
  stores nothing, and a retry tries anew.
- A key is locked and looked up under every secret, so that a retry after a rotation finds the first answer.
- Answers are sealed: they may hold personal data. They are kept for `HttpSettings.idempotency_retention` (at least 24 hours).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import msgspec
from sqlalchemy import DateTime, LargeBinary, SmallInteger, Table, delete, select
from sqlalchemy.orm import Mapped, mapped_column
from starlette.responses import Response

from guanxi_common.db.metadata import CommonBase
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import DomainError, IdempotencyKeyReused, RequestInFlight
from guanxi_common.http.documents import canonical
from guanxi_common.http.sealing import Sealer, Unsealable

_PURGE_BATCH = 5_000
_CLAIM = "SELECT pg_try_advisory_xact_lock($1)"
_FIND = "SELECT id, request_digest, sealed FROM idempotency_answer WHERE id = ANY($1::bytea[])"
_KEEP = "INSERT INTO idempotency_answer (id, request_digest, status, sealed, created_at) VALUES ($1, $2, $3, $4, $5)"


class IdempotencyAnswer(CommonBase):
    """One stored answer; `id` is the keyed digest of caller, operation and key."""

    __tablename__ = "idempotency_answer"

    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    request_digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


IDEMPOTENCY_TABLES: tuple[Table, ...] = (cast("Table", IdempotencyAnswer.__table__),)


class StoredAnswer(msgspec.Struct, frozen=True):
    """An answer as it goes out: everything but the headers that every request gets anew."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def of(cls, response: Response) -> "StoredAnswer":
        """The answer that `response` sends."""
        return cls(
            response.status_code,
            [(name, value) for name, value in response.headers.items() if name != "content-length"],
            bytes(response.body),
        )

    def response(self) -> Response:
        return Response(self.body, status_code=self.status, headers=dict(self.headers))


class IdempotentReplay(Exception):
    """The request was answered before; `answer` is to be sent again. Never seen outside the edge."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__("answered before")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this transaction holds until it ends."""

    id: bytes
    request_digest: bytes


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under a key of the actor's. `target` is the path with its query; `body` has been read strictly, or by nobody."""

    actor: str
    operation: str
    key: str
    target: str
    body: bytes


async def claim(uow: UnitOfWork, sealer: Sealer, request: KeyedRequest) -> Claim:
    """Take the key for this transaction. Raises `IdempotentReplay`, `RequestInFlight`, `IdempotencyKeyReused`."""
    ids = sealer.digests(request.actor.encode(), request.operation.encode(), request.key.encode())
    requests = dict(zip(ids, sealer.digests(request.target.encode(), canonical(request.body)), strict=True))
    # In byte order, and no further than the first that is taken: two processes whose secrets overlap cannot refuse each other.
    for digest in sorted(ids):
        if not await uow.driver.fetchval(_CLAIM, int.from_bytes(digest[:8], "big", signed=True)):
            raise RequestInFlight(headers={"Retry-After": "1"})
    # A statement of its own on purpose: its snapshot is taken after the lock, so it sees what the last holder committed.
    for row in await uow.driver.fetch(_FIND, ids):
        if row["request_digest"] != requests[row["id"]]:
            raise IdempotencyKeyReused
        try:
            plain = sealer.open(row["sealed"], row["id"])
        except Unsealable:
            # Sealed under a secret that has been retired: we no longer know the answer, but we know that there was one.
            raise IdempotencyKeyReused from None
        raise IdempotentReplay(msgspec.msgpack.decode(plain, type=StoredAnswer))
    return Claim(ids[0], requests[ids[0]])


def is_definite(refusal: DomainError) -> bool:
    """Whether a rule of the domain has decided, so that a repetition gets the same refusal: 409, or 422 raised by a rule.

    `refusal` was raised in the write block, where the schema's own 422 can no longer occur. Never definite are states of the request
    (400, 408, 412, 413, 415, 428), of the caller (401, 403, 404, 429), of the house (5xx), and whatever says when to come back.
    """
    if isinstance(refusal, (RequestInFlight, IdempotencyKeyReused)):
        return False
    return refusal.status in (409, 422) and "Retry-After" not in refusal.headers


async def keep(uow: UnitOfWork, sealer: Sealer, held: Claim, answer: StoredAnswer, now: datetime) -> None:
    """Store the answer; durable when the transaction is."""
    sealed = sealer.seal(msgspec.msgpack.encode(answer), held.id)
    await uow.driver.execute(_KEEP, held.id, held.request_digest, answer.status, sealed, now)


async def purge(uow: UnitOfWork, before: datetime) -> int:
    """Delete up to 5,000 answers older than `before` and return how many; the job that calls this commits and repeats."""
    old = select(IdempotencyAnswer.id).where(IdempotencyAnswer.created_at < before).limit(_PURGE_BATCH)
    return (await uow.execute(delete(IdempotencyAnswer).where(IdempotencyAnswer.id.in_(old)))).rowcount
