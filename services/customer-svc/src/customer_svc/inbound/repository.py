"""The table of refusals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.principal import RowScope
from sqlalchemy import select, true
from sqlalchemy.dialects.postgresql import insert

from customer_svc.inbound.tables import InboundRejectionRow

_rejection = table_of(InboundRejectionRow)


@dataclass(frozen=True, slots=True)
class InboundRejection:
    """One item that was not taken; `external_id` is None for what core banking says of an account.

    `topic` is None for a reversal, come by whichever way, that was taken or held and refused later; its `event_id` is ours.
    """

    event_id: UUID
    topic: str | None
    source: str
    account_number: str
    external_id: str | None
    code: str
    detail: str
    received_at: datetime


async def keep_rejections(uow: UnitOfWork, rejections: Sequence[InboundRejection]) -> None:
    """Keep each refusal once, however often its event is read."""
    if rejections:
        await uow.execute(insert(_rejection).on_conflict_do_nothing().values([values_of(one) for one in rejections]))


async def list_rejections(
    uow: UnitOfWork, scope: RowScope, *, source: str | None, past: tuple[datetime, UUID] | None, limit: int
) -> list[InboundRejection]:
    """Refusals, the latest first; a client's are those of its sources."""
    order = (_rejection.c.received_at, _rejection.c.event_id)
    statement = (
        select(_rejection)
        .where(after(order, past, descending=True), _rejection.c.source == source if source else true())
        .where(true() if scope.sources is None else _rejection.c.source.in_(scope.sources))
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    return [read_as(InboundRejection, row) for row in (await uow.execute(statement)).mappings()]
