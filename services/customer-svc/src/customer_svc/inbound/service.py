"""What every intake does, whichever way it came in: the audit log's entry of a batch, and the refusal of an item that cannot be read."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import msgspec
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.hot_bodies import pointer_of
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.principal import AuditContext, Purpose

from customer_svc.inbound.items import INVALID_ITEM, ExternalId, Token, what_is_wrong
from customer_svc.inbound.repository import InboundRejection

_LONGEST: Final = 200

T = TypeVar("T", bound=msgspec.Struct)


class Sourced(Protocol):
    @property
    def source(self) -> str: ...


async def record_intake(uow: UnitOfWork, context: AuditContext, items: Iterable[Sourced], what: str) -> None:
    """Log that a batch of `what` (transactions, accounts) of these sources was taken in. Which items: their rows say."""
    sources = ",".join(sorted({item.source for item in items}))
    await audit.record(uow, context, sources[:_LONGEST] or "no source", (what,), subject_type="intake")


def from_the_bus(topic: str) -> AuditContext:
    """Who takes in what core banking sends over Kafka."""
    return AuditContext(f"bus:{topic}", "takeIn", Purpose.OPERATIONS, None)


class _Named(msgspec.Struct):
    source: Token
    account_number: ExternalId
    external_id: Any = None


def read_items(
    events: Sequence[Envelope], kind: type[T], now: datetime
) -> tuple[list[tuple[Envelope, T]], list[InboundRejection]]:
    """The items that fit the schema `kind`, with their events, and the refusals of the others.

    Raises `PermanentError` for one that does not even say what it is about: nobody could look it up.
    """
    read: list[tuple[Envelope, T]] = []
    refused: list[InboundRejection] = []
    for event in events:
        try:
            read.append((event, msgspec.convert(event.data, kind)))
        except msgspec.ValidationError as error:
            refused.append(_refusal(event, error, now))
    return read, refused


def _refusal(event: Envelope, error: msgspec.ValidationError, now: datetime) -> InboundRejection:
    try:
        named = msgspec.convert(event.data, _Named)
    except msgspec.ValidationError:
        raise PermanentError(INVALID_ITEM, event.type, event_id=event.id) from error
    try:
        external_id = msgspec.convert(named.external_id, ExternalId | None)
    except msgspec.ValidationError:
        external_id = None
    return InboundRejection(
        event_id=event.id,
        topic=event.topic,
        source=named.source,
        account_number=named.account_number,
        external_id=external_id,
        code=INVALID_ITEM,
        detail=what_is_wrong(pointer_of(error)),
        received_at=now,
    )
