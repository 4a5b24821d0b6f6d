"""The table of answers."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import insert, select

from engagement_svc.satisfaction.tables import SatisfactionAnswerRow

_answer = table_of(SatisfactionAnswerRow)


@dataclass(frozen=True, slots=True)
class Answer:
    """See `SatisfactionAnswerRow`."""

    id: UUID
    customer_id: UUID
    satisfaction: int
    nps: int | None
    answered_on: date
    asked_about: str
    interaction_id: UUID | None
    comment: str | None
    recorded_by: UUID
    recorded_at: datetime


async def insert_answer(uow: UnitOfWork, answer: Answer) -> None:
    """Store an answer of a customer whose scope was checked."""
    await uow.execute(insert(_answer).values(values_of(answer)))


async def list_answers(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, *, past: tuple[date, UUID] | None, limit: int
) -> list[Answer]:
    """The customer's answers, the latest first."""
    order = (_answer.c.answered_on, _answer.c.id)
    statement = (
        select(_answer)
        .where(
            _answer.c.customer_id == customer_id,
            visible_customers(scope, _answer.c.customer_id, now),
            after(order, past, descending=True),
        )
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    return [read_as(Answer, row) for row in (await uow.execute(statement)).mappings()]
