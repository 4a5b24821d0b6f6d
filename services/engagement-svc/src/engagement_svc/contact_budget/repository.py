"""The ledger of contacts. Whoever adds to it holds the customer's row of `contact_account` locked."""

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers_sql
from guanxi_common.security.principal import RowScope
from guanxi_common.set_aside import not_set_aside_sql

from engagement_svc.contact_budget.policy import COUNTED, Held, Ledger, QuietHours, when_it_counts
from engagement_svc.standards import ContactLimit


@dataclass(frozen=True, slots=True)
class Reservation:
    """See `ContactReservationRow`."""

    id: UUID
    customer_id: UUID
    purpose: str
    channel: str
    state: str
    overdrawn: bool
    requested_by: str
    reserved_at: datetime
    on_day: date
    holds_until: date
    consent_purpose: str | None = None
    settled_at: datetime | None = None
    made_at: datetime | None = None
    interaction_id: UUID | None = None
    ended_because: str | None = None
    said_at: datetime | None = None
    without_consent: bool = False


EXPIRIES = "expire-reservation"
"""The name for operators of the queue of reservations that hold no longer."""
_NOT_SET_ASIDE = not_set_aside_sql(EXPIRIES, "id", "$4")
_NAMES = tuple(field.name for field in fields(Reservation))
_COLUMNS = ", ".join(_NAMES)
_VALUES = ", ".join(f"${place}" for place in range(1, len(_NAMES) + 1))


async def lock_accounts(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Lock the accounts of the customers until the transaction ends, in one order; who has none gets one."""
    named = sorted(set(customer_ids))
    await uow.driver.execute("INSERT INTO contact_account SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING", named)
    await uow.driver.execute(
        "SELECT FROM contact_account WHERE customer_id = ANY($1::uuid[]) ORDER BY customer_id FOR UPDATE", named
    )


async def agreed_limit(uow: UnitOfWork, customer_id: UUID) -> ContactLimit | None:
    """The limit that the customer has agreed to, if any."""
    row = await uow.driver.fetchrow(
        "SELECT max_contacts, contact_period_days FROM customer_agreements WHERE customer_id = $1 AND max_contacts IS NOT NULL",
        customer_id,
    )
    return ContactLimit(row[0], row[1]) if row else None


async def quiet_hours(uow: UnitOfWork, customer_id: UUID) -> QuietHours | None:
    """When the customer does not want to be contacted, if that was agreed."""
    row = await uow.driver.fetchrow(
        "SELECT quiet_from, quiet_to FROM customer_agreements WHERE customer_id = $1 AND quiet_from IS NOT NULL", customer_id
    )
    return QuietHours(row[0], row[1]) if row else None


async def read_ledger(uow: UnitOfWork, customer_id: UUID, after: date, today: date) -> Ledger:
    """What counts after the day `after`; a reservation whose date has passed counts today."""
    rows = await uow.driver.fetch(
        "SELECT id, on_day, state = 'confirmed', reserved_at FROM contact_reservation WHERE customer_id = $1"
        " AND purpose = ANY($3::text[]) AND (state = 'reserved' OR (state = 'confirmed' AND on_day > $2))"
        " ORDER BY on_day, reserved_at, id",
        customer_id,
        after,
        list(COUNTED),
    )
    return Ledger(
        used=tuple(day for _, day, made, _ in rows if made),
        held=tuple(Held(one, when_it_counts(day, today), at) for one, day, made, at in rows if not made),
    )


async def count_overdrawn(uow: UnitOfWork, customer_id: UUID, after: date) -> int:
    """How many contacts after the day were made past the limit."""
    number: int = await uow.driver.fetchval(
        "SELECT count(*) FROM contact_reservation WHERE customer_id = $1 AND on_day > $2 AND state = 'confirmed' AND overdrawn",
        customer_id,
        after,
    )
    return number


async def insert_reservation(uow: UnitOfWork, reservation: Reservation) -> None:
    await uow.driver.execute(
        f"INSERT INTO contact_reservation ({_COLUMNS}) VALUES ({_VALUES})",  # noqa: S608  # constants
        *astuple(reservation),
    )


async def read_reservation(uow: UnitOfWork, scope: RowScope, reservation_id: UUID, now: datetime) -> Reservation | None:
    """The reservation; None where there is none or its customer is out of scope."""
    condition, arguments = visible_customers_sql(scope, "held.customer_id", now, first_parameter=2)
    row = await uow.driver.fetchrow(
        f"SELECT {_COLUMNS} FROM contact_reservation held WHERE id = $1 AND {condition}",  # noqa: S608  # constants
        reservation_id,
        *arguments,
    )
    return Reservation(*row) if row else None


async def reservations(uow: UnitOfWork, reservation_ids: Collection[UUID]) -> list[Reservation]:
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM contact_reservation WHERE id = ANY($1::uuid[]) ORDER BY on_day, id",  # noqa: S608  # constants
        list(reservation_ids),
    )
    return [Reservation(*row) for row in rows]


async def of_interaction(uow: UnitOfWork, interaction_id: UUID, customer_id: UUID) -> list[Reservation]:
    """The contacts of the customer's ledger that a recorded contact has used."""
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM contact_reservation"  # noqa: S608  # constants
        " WHERE customer_id = $2 AND interaction_id = $1 AND state = 'confirmed' ORDER BY id",
        interaction_id,
        customer_id,
    )
    return [Reservation(*row) for row in rows]


async def give_back(uow: UnitOfWork, reservation_ids: Collection[UUID], now: datetime) -> None:
    """Contacts that were counted by a record that was corrected count no more."""
    await uow.driver.execute(
        "UPDATE contact_reservation SET state = 'released', settled_at = $2, ended_because = 'corrected'"
        " WHERE id = ANY($1::uuid[]) AND state = 'confirmed'",
        list(reservation_ids),
        now,
    )


async def past_their_day(
    uow: UnitOfWork, today: date, limit: int, now: datetime, only: Sequence[UUID] | None = None
) -> list[Reservation]:
    """Reservations, of `only`, that hold no longer, the oldest first; not locked, for `settle` decides. For the job."""
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM contact_reservation WHERE state = 'reserved' AND holds_until < $1"  # noqa: S608  # constants
        f" AND (id = ANY($3::uuid[]) OR ($3 IS NULL AND {_NOT_SET_ASIDE})) ORDER BY holds_until, id LIMIT $2",
        today,
        limit,
        only,
        now,
    )
    return [Reservation(*row) for row in rows]


async def customers_who_refuse(uow: UnitOfWork, customer_ids: Collection[UUID]) -> list[UUID]:
    """Those of the customers who have withdrawn or refused anything."""
    rows = await uow.driver.fetch(
        "SELECT customer_id FROM customer_agreements"
        """ WHERE customer_id = ANY($1::uuid[]) AND consents @> '[{"granted": false}]'""",
        list(customer_ids),
    )
    return [row[0] for row in rows]


async def refused_reservations(uow: UnitOfWork, customer_ids: Collection[UUID]) -> list[tuple[Reservation, str | None]]:
    """What is set aside although the customer refuses it, and since when (ISO 8601), by customer."""
    columns = ", ".join(f"held.{name}" for name in _NAMES)
    rows = await uow.driver.fetch(
        f"SELECT {columns}, statement ->> 'since' FROM contact_reservation held JOIN customer_agreements agreed USING (customer_id)"  # noqa: S608  # constants
        " CROSS JOIN LATERAL jsonb_array_elements(agreed.consents) statement"
        " WHERE held.customer_id = ANY($1::uuid[]) AND held.state = 'reserved' AND NOT (statement ->> 'granted')::boolean"
        " AND statement ->> 'purpose' = held.consent_purpose AND statement ->> 'channel' = held.channel"
        " ORDER BY held.customer_id, held.id",
        list(customer_ids),
    )
    return [(Reservation(*tuple(row)[:-1]), row[-1]) for row in rows]


async def settle(
    uow: UnitOfWork,
    reservation_id: UUID,
    state: str,
    now: datetime,
    *,
    because: str | None = None,
    said_at: datetime | None = None,
) -> bool:
    """Take a reservation that is `reserved` to another state; False where it is reserved no more."""
    row = await uow.driver.fetchrow(
        "UPDATE contact_reservation SET state = $2, settled_at = $3, ended_because = $4, said_at = $5"
        " WHERE id = $1 AND state = 'reserved' RETURNING id",
        reservation_id,
        state,
        now,
        because,
        said_at,
    )
    return row is not None


async def confirm(uow: UnitOfWork, confirmed: Reservation, *, before: str) -> bool:
    """Store that the contact was made; False where the reservation is in the state `before` no more."""
    row = await uow.driver.fetchrow(
        "UPDATE contact_reservation SET state = 'confirmed', settled_at = $2, on_day = $3, made_at = $4, overdrawn = $5,"
        " without_consent = $6, interaction_id = $7 WHERE id = $1 AND state = $8 RETURNING id",
        confirmed.id,
        confirmed.settled_at,
        confirmed.on_day,
        confirmed.made_at,
        confirmed.overdrawn,
        confirmed.without_consent,
        confirmed.interaction_id,
        before,
    )
    return row is not None
