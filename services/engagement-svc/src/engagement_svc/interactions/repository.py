"""The interaction table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import func, insert, select

from engagement_svc.interactions.tables import InteractionRow

_interaction = table_of(InteractionRow)


@dataclass(frozen=True, slots=True)
class Interaction:
    """One contact; see `InteractionRow`."""

    id: UUID
    customer_id: UUID
    method: str
    direction: str
    replied: bool
    purpose: str
    occurred_at: datetime
    booked_on: date
    content: str
    result: str
    result_note: str | None
    relationship_effect: str
    participants: list[str]
    materials: list[str]
    next_step: str | None
    recorded_by: UUID
    recorded_at: datetime
    late: bool
    completed_task_ids: list[UUID]


def _of(row: Mapping[Any, Any]) -> Interaction:
    return read_as(Interaction, row)


async def insert_interaction(uow: UnitOfWork, interaction: Interaction) -> None:
    """Store a contact of a customer that `customers.repository` has shown to be in scope."""
    values = values_of(interaction)
    await uow.execute(insert(_interaction).values(values))


async def read_interaction(uow: UnitOfWork, scope: RowScope, interaction_id: UUID, now: datetime) -> Interaction | None:
    statement = select(_interaction).where(
        _interaction.c.id == interaction_id, visible_customers(scope, _interaction.c.customer_id, now)
    )
    row = (await uow.execute(statement)).mappings().first()
    return _of(row) if row else None


async def list_interactions(
    uow: UnitOfWork,
    scope: RowScope,
    customer_id: UUID,
    now: datetime,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Interaction]:
    """The customer's contacts, latest first."""
    statement = (
        select(_interaction)
        .where(_interaction.c.customer_id == customer_id, visible_customers(scope, _interaction.c.customer_id, now))
        .order_by(_interaction.c.occurred_at.desc(), _interaction.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(func.row(_interaction.c.occurred_at, _interaction.c.id) < func.row(*before))
    return [_of(row) for row in (await uow.execute(statement)).mappings()]
