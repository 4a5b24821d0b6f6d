"""The tables of cases and of the callers' limits. Only the data desk reads cases, of the whole bank: there is no row scope."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from sqlalchemy import select, true, update
from sqlalchemy.dialects.postgresql import insert

from customer_svc.match_cases.policy import MatchCase, Outcome
from customer_svc.match_cases.tables import MatchCaseRow, MatchCountRow

_case = table_of(MatchCaseRow)
_count = table_of(MatchCountRow)


def _of(row: Mapping[Any, Any]) -> MatchCase:
    case = read_as(MatchCase, row)
    return replace(case, outcome=Outcome(case.outcome) if case.outcome else None)


async def lock_count(uow: UnitOfWork, asked_by: str, day: date) -> int:
    """How many attempts of the caller matched on the day; who else counts for the caller waits for this transaction."""
    statement = insert(_count).values(asked_by=asked_by, day=day, matches=0)
    statement = statement.on_conflict_do_update(index_elements=["asked_by", "day"], set_={"matches": _count.c.matches})
    return int((await uow.execute(statement.returning(_count.c.matches))).scalar_one())


async def raise_count(uow: UnitOfWork, asked_by: str, day: date) -> None:
    of_day = (_count.c.asked_by == asked_by, _count.c.day == day)
    await uow.execute(update(_count).where(*of_day).values(matches=_count.c.matches + 1))


async def open_case(uow: UnitOfWork, case_id: UUID, customer_id: UUID, asked_by: str, now: datetime) -> MatchCase:
    """The open case of this caller and file, which is a new one if there was none."""
    statement = insert(_case).values(id=case_id, customer_id=customer_id, asked_by=asked_by, opened_at=now)
    statement = statement.on_conflict_do_update(
        index_elements=["asked_by", "customer_id"], index_where=_case.c.outcome.is_(None), set_={"asked_by": asked_by}
    )
    return _of((await uow.execute(statement.returning(_case))).mappings().one())


async def read_case(uow: UnitOfWork, case_id: UUID, *, lock: bool = False) -> MatchCase | None:
    statement = select(_case).where(_case.c.id == case_id)
    row = (await uow.execute(statement.with_for_update() if lock else statement)).mappings().first()
    return _of(row) if row else None


async def store_decision(uow: UnitOfWork, case: MatchCase) -> None:
    decision = {"outcome": case.outcome, "note": case.note, "closed_by": case.closed_by, "closed_at": case.closed_at}
    await uow.execute(update(_case).where(_case.c.id == case.id).values(decision))


async def list_cases(uow: UnitOfWork, *, is_open: bool | None, past: tuple[datetime, UUID] | None, limit: int) -> list[MatchCase]:
    """Cases, the latest first; the open or the closed ones alone if asked."""
    order = (_case.c.opened_at, _case.c.id)
    state = true() if is_open is None else _case.c.outcome.is_(None) if is_open else _case.c.outcome.is_not(None)
    statement = select(_case).where(after(order, past, descending=True), state)
    rows = await uow.execute(statement.order_by(*(column.desc() for column in order)).limit(limit))
    return [_of(row) for row in rows.mappings()]
