"""The signal table."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from scoring_svc.signals.tables import SignalRow

_signal = table_of(SignalRow)


@dataclass(frozen=True, slots=True)
class Signal:
    """A raised signal; see `SignalRow`."""

    customer_id: UUID
    signal_id: UUID
    kind: str
    currency: str
    severity: str
    business_date: date
    historical: bool
    reason_code: str
    reason_en: str
    reason_zh: str
    evidence: Mapping[str, Any]
    standard_version: int
    raised_at: datetime


def _of(row: Mapping[Any, Any]) -> Signal:
    return read_as(Signal, row)


async def raised_on(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[tuple[UUID, str, str], list[date]]:
    """When signals were raised before: business dates by (customer, kind, currency). For the scorer."""
    rows = await uow.driver.fetch(
        "SELECT customer_id, kind, currency, business_date FROM signal WHERE customer_id = ANY($1::uuid[]) ORDER BY business_date",
        list(customer_ids),
    )
    dates: dict[tuple[UUID, str, str], list[date]] = {}
    for row in rows:
        dates.setdefault((row["customer_id"], row["kind"], row["currency"]), []).append(row["business_date"])
    return dates


async def dates_of(uow: UnitOfWork, customer_id: UUID, signal_ids: Collection[UUID]) -> dict[UUID, tuple[str, date]]:
    """Kind and business date of the customer's signals named."""
    rows = await uow.driver.fetch(
        "SELECT signal_id, kind, business_date FROM signal WHERE customer_id = $1 AND signal_id = ANY($2::uuid[])",
        customer_id,
        list(signal_ids),
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def insert_signal(uow: UnitOfWork, signal: Signal) -> bool:
    """Keep a signal; False where it was raised before."""
    values = values_of(signal)
    statement = pg_insert(_signal).values(values).on_conflict_do_nothing().returning(_signal.c.signal_id)
    return (await uow.execute(statement)).first() is not None


async def list_signals(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, *, past: tuple[date, UUID] | None, limit: int
) -> list[Signal]:
    """A customer's signals, the latest first."""
    order = (_signal.c.business_date, _signal.c.signal_id)
    statement = (
        select(_signal)
        .where(
            _signal.c.customer_id == customer_id,
            visible_customers(scope, _signal.c.customer_id, now),
            after(order, past, descending=True),
        )
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    return [_of(row) for row in (await uow.execute(statement)).mappings()]
