"""The actions, and what of them a task leads to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.set_aside import not_set_aside_sql

QUEUE = "expire-offer"
"""The name for operators of the queue of offers that nobody took up in time."""
_NOT_SET_ASIDE = not_set_aside_sql(QUEUE, "task.id", "$5")


@dataclass(frozen=True, slots=True)
class Action:
    """See `ActionRow`."""

    action_id: UUID
    customer_id: UUID
    kind: str
    channel: str
    product_code: str | None
    expires_on: date
    state: str
    reason: str | None
    task_id: UUID | None
    reservation_id: UUID | None
    decided_at: datetime
    standards_version: int
    ended_at: datetime | None = None
    outcome: str | None = None


_COLUMNS = (
    "action_id, customer_id, kind, channel, product_code, expires_on, state, reason, task_id, reservation_id, decided_at,"
    " standards_version, ended_at, outcome"
)


async def is_known(uow: UnitOfWork, action_id: UUID) -> bool:
    return await uow.driver.fetchval("SELECT 1 FROM action WHERE action_id = $1", action_id) is not None


async def insert_action(uow: UnitOfWork, action: Action) -> None:
    a = action
    await uow.driver.execute(
        f"INSERT INTO action ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",  # noqa: S608  # constants
        a.action_id,
        a.customer_id,
        a.kind,
        a.channel,
        a.product_code,
        a.expires_on,
        a.state,
        a.reason,
        a.task_id,
        a.reservation_id,
        a.decided_at,
        a.standards_version,
        a.ended_at,
        a.outcome,
    )


async def task_of(uow: UnitOfWork, action_id: UUID) -> UUID | None:
    """The task that carries an action, if it was accepted."""
    found: UUID | None = await uow.driver.fetchval("SELECT task_id FROM action WHERE action_id = $1", action_id)
    return found


async def task_of_reservation(uow: UnitOfWork, reservation_id: UUID) -> UUID | None:
    """The task of the accepted action for which a contact was reserved."""
    found: UUID | None = await uow.driver.fetchval(
        "SELECT task_id FROM action WHERE reservation_id = $1 AND state = 'accepted'", reservation_id
    )
    return found


async def lock_accepted(uow: UnitOfWork, task_ids: Collection[UUID]) -> list[Action]:
    """The accepted actions of tasks that the transaction holds locked, in the order of their ids."""
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM action WHERE task_id = ANY($1::uuid[]) AND state = 'accepted' ORDER BY action_id FOR UPDATE",  # noqa: S608  # constants
        list(task_ids),
    )
    return [Action(*row.values()) for row in rows]


async def lock_concluded(uow: UnitOfWork, task_ids: Collection[UUID]) -> list[Action]:
    """The actions concluded by a contact with tasks that the transaction holds locked, in the order of their ids."""
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM action WHERE task_id = ANY($1::uuid[]) AND state = 'concluded' ORDER BY action_id FOR UPDATE",  # noqa: S608  # constants
        list(task_ids),
    )
    return [Action(*row.values()) for row in rows]


async def reopen_action(uow: UnitOfWork, action_id: UUID) -> None:
    """It is accepted again, and rests on no reservation."""
    await uow.driver.execute(
        "UPDATE action SET state = 'accepted', ended_at = NULL, outcome = NULL, reservation_id = NULL WHERE action_id = $1",
        action_id,
    )


async def rest_on(uow: UnitOfWork, action_id: UUID, reservation_id: UUID) -> None:
    await uow.driver.execute("UPDATE action SET reservation_id = $2 WHERE action_id = $1", action_id, reservation_id)


async def expired_tasks(
    uow: UnitOfWork, kinds: Collection[str], today: date, limit: int, now: datetime, only: Sequence[UUID] | None = None
) -> list[UUID]:
    """Open tasks, of `only`, of accepted actions that have expired, of kinds that end by themselves; other workers' are skipped."""
    rows = await uow.driver.fetch(
        "SELECT task.id FROM task JOIN action ON action.task_id = task.id"  # noqa: S608  # constants
        " WHERE task.state = 'open' AND action.state = 'accepted'"
        " AND action.expires_on < $1 AND action.kind = ANY($2::text[])"
        f" AND (task.id = ANY($4::uuid[]) OR ($4 IS NULL AND {_NOT_SET_ASIDE})) ORDER BY action.expires_on LIMIT $3"
        " FOR UPDATE OF task SKIP LOCKED",
        today,
        list(kinds),
        limit,
        only,
        now,
    )
    return [row[0] for row in rows]


async def end_action(
    uow: UnitOfWork, action_id: UUID, state: str, now: datetime, *, reason: str | None, outcome: str | None
) -> None:
    await uow.driver.execute(
        "UPDATE action SET state = $2, ended_at = $3, reason = $4, outcome = $5 WHERE action_id = $1",
        action_id,
        state,
        now,
        reason,
        outcome,
    )
