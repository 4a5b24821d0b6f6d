"""The interaction table and the revisions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import ColumnElement, func, insert, literal_column, select, update

from engagement_svc.interactions.tables import InteractionRevisionRow, InteractionRow

_interaction = table_of(InteractionRow)
_revision = table_of(InteractionRevisionRow)
_row: Final[ColumnElement[Any]] = literal_column("interaction")


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
    answers: list[UUID] | None = None
    revision: int = 1
    corrected_at: datetime | None = None
    corrected_by: UUID | None = None
    correction_reason: str | None = None


def _of(row: Mapping[Any, Any]) -> Interaction:
    return read_as(Interaction, row)


async def insert_interaction(uow: UnitOfWork, interaction: Interaction) -> None:
    """Store a contact of a customer that `customers.repository` has shown to be in scope."""
    values = values_of(interaction)
    await uow.execute(insert(_interaction).values(values))


async def read_interaction(
    uow: UnitOfWork, scope: RowScope, interaction_id: UUID, now: datetime, *, lock: bool = False
) -> Interaction | None:
    statement = select(_interaction).where(
        _interaction.c.id == interaction_id, visible_customers(scope, _interaction.c.customer_id, now)
    )
    row = (await uow.execute(statement.with_for_update() if lock else statement)).mappings().first()
    return _of(row) if row else None


async def store_correction(uow: UnitOfWork, corrected: Interaction) -> None:
    """Keep what is said now of a contact that the transaction holds locked, and what was said before beside it."""
    before = select(_interaction.c.id, _interaction.c.revision, _interaction.c.customer_id, func.to_jsonb(_row)).where(
        _interaction.c.id == corrected.id
    )
    await uow.execute(insert(_revision).from_select(["interaction_id", "revision", "customer_id", "said"], before))
    await uow.execute(update(_interaction).where(_interaction.c.id == corrected.id).values(values_of(corrected, without="id")))


async def list_revisions(uow: UnitOfWork, interaction: Interaction, before: int | None, limit: int) -> list[Interaction]:
    """What was said of a contact that the caller may see, before the revision `before`: the latest first, what is said now included."""
    rows = await uow.driver.fetch(
        "SELECT said.* FROM interaction_revision, jsonb_populate_record(NULL::interaction, said) AS said"
        " WHERE interaction_id = $1 AND interaction_revision.revision < $2 ORDER BY interaction_revision.revision DESC LIMIT $3",
        interaction.id,
        interaction.revision if before is None else before,
        limit,
    )
    earlier = [_of(row) for row in rows]
    return [interaction, *earlier][:limit] if before is None else earlier


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
