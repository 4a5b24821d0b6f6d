"""The consent table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from customer_svc.consents.policy import Said
from customer_svc.consents.tables import ConsentRow

_consent = table_of(ConsentRow)


@dataclass(frozen=True, slots=True)
class Statement:
    """See `ConsentRow`."""

    customer_id: UUID
    version: int
    purpose: str
    channel: str
    granted: bool
    since: datetime
    method: str
    text_version: str | None
    recorded_by: str
    data_origin: str
    agreed_on: date | None
    recorded_at: datetime


async def insert_statements(uow: UnitOfWork, statements: Sequence[Statement]) -> None:
    """Keep what the customer said; the transaction holds the customer's row locked."""
    await uow.execute(insert(_consent), [values_of(statement) for statement in statements])


async def read_consents(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> list[Statement]:
    """What counts, by purpose and channel; empty where nothing was said or the customer is out of scope."""
    latest = (
        select(_consent)
        .ext(distinct_on(_consent.c.purpose, _consent.c.channel))
        .where(_consent.c.customer_id == customer_id, visible_customers(scope, _consent.c.customer_id, now))
        .order_by(_consent.c.purpose, _consent.c.channel, _consent.c.since.desc(), _consent.c.version.desc())
    )
    return [_statement(row) for row in (await uow.execute(latest)).mappings()]


async def read_said(uow: UnitOfWork, customer_id: UUID, purpose: str) -> list[Said]:
    """Everything that the customer said of a purpose. The caller has locked the customer in scope."""
    statement = select(*(_consent.c[field.name] for field in fields(Said))).where(
        _consent.c.customer_id == customer_id, _consent.c.purpose == purpose
    )
    return [read_as(Said, row) for row in (await uow.execute(statement)).mappings()]


async def list_history(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, *, past: tuple[int] | None, limit: int
) -> list[Statement]:
    """Everything that the customer ever said, the last that came in first."""
    statement = (
        select(_consent)
        .where(
            _consent.c.customer_id == customer_id,
            visible_customers(scope, _consent.c.customer_id, now),
            after((_consent.c.version,), past, descending=True),
        )
        .order_by(_consent.c.version.desc())
        .limit(limit)
    )
    return [_statement(row) for row in (await uow.execute(statement)).mappings()]


def _statement(row: Mapping[Any, Any]) -> Statement:
    return read_as(Statement, row)
