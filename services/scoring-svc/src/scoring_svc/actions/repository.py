"""The action table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from sqlalchemy.dialects.postgresql import insert as pg_insert

from scoring_svc.actions.models import ActionRow

_action = table_of(ActionRow)


@dataclass(frozen=True, slots=True)
class Action:
    """A recommended action; see `ActionRow`."""

    customer_id: UUID
    action_id: UUID
    kind: str
    reason_code: str
    reasons: list[dict[str, str]]
    product_code: str | None
    channel: str
    content: dict[str, str]
    price: dict[str, str] | None
    priority_bp: int
    value_minor: int
    currency: str
    propensity_bp: int
    chosen_probability_bp: int
    due_within_hours: int
    expires_on: date
    evidence: Mapping[str, Any]
    model_version: str
    severity: str
    state: str
    closed_because: str | None
    recommended_at: datetime
    recommended_on: date
    changed_at: datetime


async def insert_action(uow: UnitOfWork, action: Action) -> bool:
    """Keep an action; False where it was recommended before."""
    statement = pg_insert(_action).values(values_of(action)).on_conflict_do_nothing().returning(_action.c.action_id)
    return (await uow.execute(statement)).first() is not None
