"""The ledger of contacts. Every change of a budget is one statement, which locks its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers_sql
from guanxi_common.security.principal import RowScope
from guanxi_common.set_aside import not_set_aside_sql

from engagement_svc.contact_budget.policy import ContactLimit, Period, QuietHours


@dataclass(frozen=True, slots=True)
class Reservation:
    """See `ContactReservationRow`."""

    id: UUID
    customer_id: UUID
    period_start: date
    per_days: int
    purpose: str
    channel: str
    state: str
    overdrawn: bool
    requested_by: str
    reserved_at: datetime
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a period is gone."""

    used: int = 0
    reserved: int = 0
    overdrawn: int = 0


EXPIRIES = "expire-reservation"
"""The name for operators of the queue of reservations whose period is over."""
_NOT_SET_ASIDE = not_set_aside_sql(EXPIRIES, "id", "$4")
_COLUMNS = "id, customer_id, period_start, per_days, purpose, channel, state, overdrawn, requested_by, reserved_at, settled_at"


async def agreed_limit(uow: UnitOfWork, customer_id: UUID) -> ContactLimit | None:
    """The limit that the customer has agreed to, if any."""
    row = await uow.driver.fetchrow(
        "SELECT max_contacts, contact_period_days FROM customer WHERE customer_id = $1 AND max_contacts IS NOT NULL", customer_id
    )
    return ContactLimit(row[0], row[1]) if row else None


async def quiet_hours(uow: UnitOfWork, customer_id: UUID) -> QuietHours | None:
    """When the customer does not want to be contacted, if that was agreed."""
    row = await uow.driver.fetchrow(
        "SELECT quiet_from, quiet_to FROM customer WHERE customer_id = $1 AND quiet_from IS NOT NULL", customer_id
    )
    return QuietHours(row[0], row[1]) if row else None


async def read_budget(uow: UnitOfWork, customer_id: UUID, period: Period, limit: ContactLimit) -> Budget:
    row = await uow.driver.fetchrow(
        "SELECT used, reserved, overdrawn FROM contact_budget WHERE customer_id = $1 AND period_start = $2 AND per_days = $3",
        customer_id,
        period.start,
        limit.per_days,
    )
    return Budget(*row) if row else Budget()


async def take(
    uow: UnitOfWork, customer_id: UUID, period: Period, limit: ContactLimit, *, used: int, reserved: int, past_the_limit: bool
) -> bool | None:
    """Add to the budget; returns whether that overdraws it, or None where it would and must not."""
    row = await uow.driver.fetchrow(
        "INSERT INTO contact_budget AS budget (customer_id, period_start, per_days, used, reserved, overdrawn)"
        " SELECT $1::uuid, $2::date, $3::int, $5::int, $6::int, ($4::int = 0)::int WHERE $4 > 0 OR $7::bool"
        " ON CONFLICT (customer_id, period_start, per_days) DO UPDATE SET used = budget.used + $5,"
        " reserved = budget.reserved + $6, overdrawn = budget.overdrawn + (budget.used + budget.reserved >= $4)::int"
        " WHERE budget.used + budget.reserved < $4 OR $7"
        " RETURNING used + reserved > $4",
        customer_id,
        period.start,
        limit.per_days,
        limit.max_contacts,
        used,
        reserved,
        past_the_limit,
    )
    return row[0] if row else None


async def insert_reservation(uow: UnitOfWork, reservation: Reservation) -> None:
    r = reservation
    await uow.driver.execute(
        "INSERT INTO contact_reservation (id, customer_id, period_start, per_days, purpose, channel, state, overdrawn, requested_by,"
        " reserved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        r.id,
        r.customer_id,
        r.period_start,
        r.per_days,
        r.purpose,
        r.channel,
        r.state,
        r.overdrawn,
        r.requested_by,
        r.reserved_at,
    )


async def lock_reservation(uow: UnitOfWork, scope: RowScope, reservation_id: UUID, now: datetime) -> Reservation | None:
    """The reservation, locked; None where there is none or its customer is out of scope."""
    condition, arguments = visible_customers_sql(scope, "held.customer_id", now, first_parameter=2)
    row = await uow.driver.fetchrow(
        f"SELECT {_COLUMNS} FROM contact_reservation held WHERE id = $1 AND {condition} FOR UPDATE OF held",  # noqa: S608  # constants
        reservation_id,
        *arguments,
    )
    return Reservation(*row) if row else None


async def past_their_period(
    uow: UnitOfWork, today: date, limit: int, now: datetime, only: Sequence[UUID] | None = None
) -> list[Reservation]:
    """Reservations, of `only`, whose period is over, the oldest first; not locked, for `settle` decides. For the job."""
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM contact_reservation WHERE state = 'reserved' AND period_start < $1 AND period_start + per_days <= $1"  # noqa: S608  # constants
        f" AND (id = ANY($3::uuid[]) OR ($3 IS NULL AND {_NOT_SET_ASIDE})) ORDER BY period_start, id LIMIT $2",
        today,
        limit,
        only,
        now,
    )
    return [Reservation(*row) for row in rows]


async def settle(uow: UnitOfWork, reservation_id: UUID, state: str, now: datetime, *, before: str = "reserved") -> bool:
    """Take a reservation from the state `before` to another; False where it is in that state no more."""
    row = await uow.driver.fetchrow(
        "UPDATE contact_reservation SET state = $2, settled_at = $3 WHERE id = $1 AND state = $4"
        " RETURNING customer_id, period_start, per_days",
        reservation_id,
        state,
        now,
        before,
    )
    if row is None:
        return False
    await uow.driver.execute(
        "UPDATE contact_budget SET reserved = reserved - $5, used = used + $4"
        " WHERE customer_id = $1 AND period_start = $2 AND per_days = $3",
        *row,
        int(state == "confirmed"),
        int(before == "reserved"),
    )
    return True
