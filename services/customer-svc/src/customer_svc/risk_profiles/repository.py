"""The table of risk assessments."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import insert, select

from customer_svc.risk_profiles.tables import RiskProfileRow

_profile = table_of(RiskProfileRow)


@dataclass(frozen=True, slots=True)
class RiskProfile:
    """See `RiskProfileRow`."""

    id: UUID
    customer_id: UUID
    level: int
    assessed_on: date
    expires_on: date
    method: str
    questionnaire: str | None
    recorded_by: str
    recorded_at: datetime
    data_origin: str


async def insert_profile(uow: UnitOfWork, profile: RiskProfile) -> None:
    """Keep an assessment; the transaction holds the customer's row locked."""
    await uow.execute(insert(_profile).values(values_of(profile)))


async def read_latest(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> RiskProfile | None:
    """The one that counts, expired or not."""
    found = await list_profiles(uow, scope, customer_id, now, past=None, limit=1)
    return found[0] if found else None


async def list_profiles(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, *, past: tuple[date, UUID] | None, limit: int
) -> list[RiskProfile]:
    """The assessments of a customer: the one that counts first."""
    order = (_profile.c.assessed_on, _profile.c.id)
    statement = (
        select(_profile)
        .where(
            _profile.c.customer_id == customer_id,
            visible_customers(scope, _profile.c.customer_id, now),
            after(order, past, descending=True),
        )
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    return [read_as(RiskProfile, row) for row in (await uow.execute(statement)).mappings()]
