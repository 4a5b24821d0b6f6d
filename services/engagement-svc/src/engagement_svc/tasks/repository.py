"""The task table."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.audit.repository import audited_read
from guanxi_common.security.directory.scope import visible_customers, visible_customers_sql
from guanxi_common.security.principal import AuditContext, RowScope, ScopeKind
from guanxi_common.set_aside import not_set_aside
from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from engagement_svc.customers.tables import CustomerAgreementsRow, CustomerRow
from engagement_svc.tasks.policy import SNOOZED, Ended
from engagement_svc.tasks.tables import TaskRow

_task = table_of(TaskRow)
_SHOWN_AGAIN: Final = {"visible_from": None, "rank_key": _task.c.rank_key.op("&")(~SNOOZED)}
_customer = table_of(CustomerRow)
_agreed = table_of(CustomerAgreementsRow)


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `evidence` says on what it rests (ids and figures, no personal data)."""

    id: UUID
    customer_id: UUID
    subject_type: str
    subject_id: UUID | None
    task_type: str
    origin: str
    origin_kind: str | None
    origin_id: UUID | None
    reason_code: str
    reason_en: str
    reason_zh: str
    evidence: Mapping[str, Any]
    priority: int
    rank_key: int
    owner_id: UUID | None
    outlet_id: UUID | None
    opened_at: datetime
    due_at: datetime
    zone: str
    calendar_version: str
    due_provisional: bool
    standards_version: int
    state: str = "open"
    breached_at: datetime | None = None
    escalated_to: UUID | None = None
    completed_at: datetime | None = None
    completed_by: str | None = None
    ended_because: str | None = None
    ended_by: str | None = None
    assignee_id: UUID | None = None
    visible_from: datetime | None = None
    reopened_at: datetime | None = None
    grace_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The first `limit` tasks after `after` in rank order: of one RM, breached or not, and those that are put off in place of the
    others."""

    limit: int
    after: tuple[int, UUID] | None = None
    owner_id: UUID | None = None
    breached: bool | None = None
    snoozed: bool = False


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task as lists show it, with the customer's name and quiet hours (local times)."""

    task: Task
    customer_name: str | None
    quiet_hours: tuple[time, time] | None = None


def _of(row: Mapping[Any, Any]) -> Task:
    return read_as(Task, row)


async def insert_task(uow: UnitOfWork, task: Task) -> bool:
    """Open a task; False where its origin has opened one before."""
    values = values_of(task)
    statement = pg_insert(_task).values(values).on_conflict_do_nothing(index_elements=["origin"]).returning(_task.c.id)
    return (await uow.execute(statement)).first() is not None


async def read_task(uow: UnitOfWork, scope: RowScope, task_id: UUID, now: datetime) -> ListedTask | None:
    statement = (
        select(_task, _customer.c.name, _agreed.c.quiet_from, _agreed.c.quiet_to)
        .outerjoin(_customer, _customer.c.customer_id == _task.c.customer_id)
        .outerjoin(_agreed, _agreed.c.customer_id == _task.c.customer_id)
        .where(_task.c.id == task_id, visible_customers(scope, _task.c.customer_id, now))
    )
    row = (await uow.execute(statement)).mappings().first()
    return ListedTask(_of(row), row["name"], _quiet_hours(row)) if row else None


BREACHES = "breach-task"
"""The name for operators of the queue of tasks whose clock has run out."""

FRESH = timedelta(days=1)
"""How long after its beginning an interval of the book is looked up itself, as well as by the owner stored with its tasks. The job
that stores owners runs every second; it must not stand still for longer than this."""

MOVED = timedelta(hours=1)
"""The same of an outlet's list, by the outlet stored with the tasks: intervals of all outlets are looked through, so it is shorter."""

# What an open task has not got, or no list shows, is not read.
_OF_THE_ENDED = {"completed_at", "completed_by", "ended_because", "ended_by", "grace_until"}
_FIELDS = tuple(field.name for field in fields(Task) if field.name not in _OF_THE_ENDED)
_LISTED = ", ".join("evidence::text" if name == "evidence" else name for name in _FIELDS)
_IN_ORDER = "ORDER BY rank_key, id LIMIT $1::int + 1"
# Own customers whose tasks the stored owner does not lead to: where the caller assists, or has just taken over.
_NOT_BY_OWNER = """
(task.owner_id = ANY($3::uuid[])) IS NOT TRUE AND task.customer_id = ANY(ARRAY(
    SELECT customer_id FROM book_assignment WHERE staff_id = ANY($3::uuid[]) AND capacity = 'assistant'
    UNION ALL
    SELECT customer_id FROM book_assignment WHERE staff_id = ANY($3::uuid[]) AND capacity = 'primary_rm' AND valid_from > $2 - $4::interval
))
"""
# Tasks of customers who have just come from another outlet.
_NOT_BY_OUTLET = """
(task.outlet_id = ANY($3::uuid[])) IS NOT TRUE AND task.customer_id = ANY(ARRAY(
    SELECT customer_id FROM book_assignment
    WHERE valid_from > $2 - $4::interval AND valid_from <= $2 AND capacity = 'primary_rm' AND outlet_id = ANY($3::uuid[])
))
"""
_PAGE = """
SELECT page.*, customer.name, agreed.quiet_from, agreed.quiet_to, row_number() OVER (ORDER BY rank_key, id) AS place
FROM (SELECT * FROM ({source}) AS candidates {in_order}) AS page LEFT JOIN customer USING (customer_id)
    LEFT JOIN customer_agreements agreed USING (customer_id)
"""


async def list_open_tasks(
    uow: UnitOfWork, scope: RowScope, now: datetime, audit: AuditContext, query: ListQuery
) -> list[ListedTask]:
    """The open tasks that `query` asks for in rank order, and one more if there is one.

    One statement, which also writes an audit entry for each customer of those `limit`. It walks an index in the order of the list
    until the page is full, so a page costs the same however many tasks, pages and customers there are. Who looks after a customer
    is asked of the book for every row: a transfer acts by the clock, before the stored owner follows.
    """
    select, arguments = worklist_select(scope, now, query)
    statement, logged = audited_read(
        select,
        audit,
        ("name", "tasks"),
        first_parameter=len(arguments) + 1,
        subject="customer_id",
        shown="place <= $1::int",
    )
    rows = await uow.driver.fetch(f"{statement} ORDER BY place", *arguments, *logged)
    return [_listed(row) for row in rows]


def worklist_select(scope: RowScope, now: datetime, query: ListQuery) -> tuple[str, list[object]]:
    """The select of a page and its arguments. $1 is the limit, $2 the instant, $3 the keepers of the caller's books, or the outlets.

    A bound on `rank_key` keeps apart what is put off: the walk along the index ends there, or begins.
    """
    visible, who = visible_customers_sql(scope, "task.customer_id", now, 2, row_by_row=True)
    arguments: list[object] = [query.limit, *who]
    conditions = ["state = 'open'", f"rank_key {'>=' if query.snoozed else '<'} {SNOOZED}", visible]

    def given(value: object) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    def tasks(*place: str) -> str:
        return f"(SELECT {_LISTED} FROM task WHERE {' AND '.join((*place, *conditions))} {_IN_ORDER})"  # noqa: S608  # code only

    # $4, which only lists that follow the stored owner or outlet take.
    by_book = query.owner_id is None and scope.kind is not ScopeKind.ALL
    if by_book:
        given(FRESH if scope.kind is ScopeKind.OWN else MOVED)
    if query.breached is not None:
        conditions.append("breached_at IS NOT NULL" if query.breached else "breached_at IS NULL")
    if query.after is not None:
        rank_key, task_id = query.after
        conditions.append(f"(rank_key, id) > ({given(rank_key)}::bigint, {given(task_id)}::uuid)")
    if query.owner_id is not None:
        conditions.append(f"owner_id = {given(query.owner_id)}::uuid")
    if by_book:
        column, others = ("owner_id", _NOT_BY_OWNER) if scope.kind is ScopeKind.OWN else ("outlet_id", _NOT_BY_OUTLET)
        source = f"{_of_each(column, tasks)} UNION ALL {tasks(others)}"
    else:
        source = tasks(*(["outlet_id = ANY($3::uuid[])"] if scope.kind is ScopeKind.OUTLET else []))
    return _PAGE.format(source=source, in_order=_IN_ORDER), arguments


def _of_each(column: str, tasks: Callable[[str], str]) -> str:
    """The first tasks of each value of `column` in $3, each by a walk of its own along the index."""
    return f"SELECT of_one.* FROM unnest($3::uuid[]) AS place (one) CROSS JOIN LATERAL {tasks(f'{column} = place.one')} AS of_one"  # noqa: S608  # code only


def _listed(row: Mapping[Any, Any]) -> ListedTask:
    values = {name: row[name] for name in _FIELDS}
    task = Task(**{**values, "evidence": msgspec.json.decode(values["evidence"])})
    return ListedTask(task, row["name"], _quiet_hours(row))


def _quiet_hours(row: Mapping[Any, Any]) -> tuple[time, time] | None:
    return (row["quiet_from"], row["quiet_to"]) if row["quiet_from"] is not None else None


async def lock_open_tasks(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, *, task_ids: Collection[UUID] | None
) -> list[Task]:
    """Lock the customer's open tasks, oldest first; `task_ids` narrows them."""
    statement = (
        select(_task)
        .where(_task.c.customer_id == customer_id, _task.c.state == "open", visible_customers(scope, _task.c.customer_id, now))
        .order_by(_task.c.opened_at, _task.c.id)
        .with_for_update()
    )
    if task_ids is not None:
        statement = statement.where(_task.c.id.in_(task_ids))
    return [_of(row) for row in (await uow.execute(statement)).mappings()]


async def lock_of_contact(uow: UnitOfWork, customer_id: UUID, ended_by: str) -> list[Task]:
    """Lock the customer's tasks that are open or that this evidence has ended, oldest first."""
    statement = (
        select(_task)
        .where(
            _task.c.customer_id == customer_id,
            or_(_task.c.state == "open", and_(_task.c.state == "completed", _task.c.ended_by == ended_by)),
        )
        .order_by(_task.c.opened_at, _task.c.id)
        .with_for_update()
    )
    return [_of(row) for row in (await uow.execute(statement)).mappings()]


async def reopen(uow: UnitOfWork, task_ids: Sequence[UUID], now: datetime, grace_until: datetime) -> None:
    """Open tasks again that the transaction holds locked; their clock stays, and so does a breach."""
    await uow.execute(
        update(_task)
        .where(_task.c.id.in_(task_ids))
        .values(
            state="open",
            completed_at=None,
            completed_by=None,
            ended_because=None,
            ended_by=None,
            reopened_at=now,
            grace_until=grace_until,
            **_SHOWN_AGAIN,
        )
    )


async def lock_task(uow: UnitOfWork, scope: RowScope, task_id: UUID, now: datetime) -> Task | None:
    """Lock the task, open or ended; None where there is none in scope."""
    statement = select(_task).where(_task.c.id == task_id, visible_customers(scope, _task.c.customer_id, now))
    row = (await uow.execute(statement.with_for_update())).mappings().first()
    return _of(row) if row else None


async def arrange(uow: UnitOfWork, task_id: UUID, *, visible_from: datetime | None, assignee_id: UUID | None) -> None:
    """Store when a task that the transaction holds locked is on the list again, and who works it."""
    rank_key = _task.c.rank_key.op("|")(SNOOZED) if visible_from is not None else _SHOWN_AGAIN["rank_key"]
    values = {"visible_from": visible_from, "rank_key": rank_key, "assignee_id": assignee_id}
    await uow.execute(update(_task).where(_task.c.id == task_id).values(values))


async def show_again(uow: UnitOfWork, now: datetime, limit: int) -> int:
    """Put tasks back on the list that were put off until now; returns how many. For the job; skips what others hold."""
    due = (
        select(_task.c.id)
        .where(_task.c.state == "open", _task.c.visible_from <= now)
        .order_by(_task.c.visible_from)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    shown = await uow.execute(update(_task).where(_task.c.id.in_(due)).values(_SHOWN_AGAIN).returning(_task.c.id))
    return len(shown.all())


async def assistants_of(uow: UnitOfWork, customer_id: UUID, now: datetime) -> set[UUID]:
    """Who assists in looking after the customer now, and is here."""
    rows = await uow.driver.fetch(
        "SELECT staff_id FROM book_assignment JOIN directory_staff staff ON staff.id = staff_id AND staff.active AND NOT staff.suspended"
        " WHERE customer_id = $1 AND capacity = 'assistant' AND valid_from <= $2 AND (valid_to IS NULL OR $2 < valid_to)",
        customer_id,
        now,
    )
    return {row[0] for row in rows}


async def open_tasks_of(uow: UnitOfWork, customer_ids: Collection[UUID]) -> list[UUID]:
    """The open tasks of the customers, locked. For erasures."""
    rows = await uow.driver.fetch(
        "SELECT id FROM task WHERE customer_id = ANY($1::uuid[]) AND state = 'open' ORDER BY id FOR UPDATE", list(customer_ids)
    )
    return [row[0] for row in rows]


async def tasks_among(uow: UnitOfWork, customer_id: UUID, task_ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are tasks of the customer, open or ended."""
    statement = select(_task.c.id).where(_task.c.id.in_(task_ids), _task.c.customer_id == customer_id)
    return set((await uow.execute(statement)).scalars())


async def lock_open(uow: UnitOfWork, task_ids: Sequence[UUID]) -> list[UUID]:
    """Lock those of the tasks that are open, and return them. For jobs and consumers, and where the scope was asked before."""
    rows = await uow.driver.fetch(
        "SELECT id FROM task WHERE id = ANY($1::uuid[]) AND state = 'open' ORDER BY id FOR UPDATE", list(task_ids)
    )
    return [row[0] for row in rows]


async def cancel_tasks(
    uow: UnitOfWork, task_ids: Sequence[UUID], at: datetime, because: str, by: str
) -> list[tuple[UUID, UUID, str]]:
    """Take the open ones of the tasks off the list without evidence; returns id, customer and type of each."""
    rows = await uow.driver.fetch(
        "UPDATE task SET state = 'cancelled', completed_at = $2, completed_by = $4, ended_because = $3, ended_by = $4"
        " WHERE id = ANY($1::uuid[]) AND state = 'open' RETURNING id, customer_id, task_type",
        list(task_ids),
        at,
        because,
        by,
    )
    return [tuple(row.values()) for row in rows]


async def complete_tasks(uow: UnitOfWork, task_ids: Sequence[UUID], completed_at: datetime, ended_by: str) -> None:
    await uow.execute(
        update(_task)
        .where(_task.c.id.in_(task_ids))
        .values(
            state="completed", completed_at=completed_at, completed_by=ended_by, ended_because=Ended.ANSWERED, ended_by=ended_by
        )
    )


async def lock_overdue_tasks(uow: UnitOfWork, now: datetime, limit: int, only: Sequence[UUID] | None = None) -> list[Task]:
    """Lock open tasks, of `only`, whose clock has run out and was not yet counted as breached. For the job; skips what others hold."""
    graceless = or_(_task.c.grace_until.is_(None), _task.c.grace_until <= now)
    of_which = not_set_aside(BREACHES, _task.c.id, now) if only is None else _task.c.id.in_(only)
    statement = (
        select(_task)
        .where(_task.c.state == "open", _task.c.breached_at.is_(None), _task.c.due_at <= now, graceless, of_which)
        .order_by(_task.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_of(row) for row in (await uow.execute(statement)).mappings()]


async def mark_breached(uow: UnitOfWork, breaches: Sequence[tuple[UUID, UUID | None]], now: datetime) -> None:
    """Mark tasks breached: (task id, lead to whom it escalates). What was put off is on the list again."""
    statement = (
        update(_task)
        .where(_task.c.id == bindparam("b_id"))
        .values(breached_at=now, escalated_to=bindparam("b_lead"), **_SHOWN_AGAIN)
    )
    await uow.execute(statement, [{"b_id": task, "b_lead": lead} for task, lead in breaches])


async def staff_name(uow: UnitOfWork, staff_id: UUID) -> str | None:
    name: str | None = await uow.driver.fetchval("SELECT name FROM directory_staff WHERE id = $1", staff_id)
    return name
