"""Reserve, confirm, release and spend contacts."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.security.principal import RowScope

from engagement_svc.contact_budget import policy, repository
from engagement_svc.contact_budget.errors import InQuietHours, ReservationSettled, WithoutConsent
from engagement_svc.contact_budget.policy import ContactLimit, Period
from engagement_svc.contact_budget.repository import Budget, Reservation
from engagement_svc.customers import repository as customers
from engagement_svc.customers.policy import is_granted
from engagement_svc.standards import Standards


async def keep_to_what_is_agreed(
    uow: UnitOfWork, calendar: BusinessCalendar, customer_id: UUID, now: datetime, *, purpose: str, channel: str
) -> None:
    """Whether such a contact may be made at once. Raises `WithoutConsent` for one that sells where the customer has not agreed to be
    sold to on the channel, and `InQuietHours`."""
    if policy.needs_consent(purpose) and not is_granted(await customers.read_consents(uow, customer_id), purpose, channel):
        raise WithoutConsent
    if not policy.disturbs(purpose, channel):
        return
    quiet = await repository.quiet_hours(uow, customer_id)
    end = quiet.end_for(calendar.local_time(now)) if quiet else None
    if end is not None:
        raise InQuietHours(Text(f"They last until {end:%H:%M}.", f"免打扰时段到{end:%H:%M}结束。"))


async def reserve(
    uow: UnitOfWork,
    standards: Standards,
    calendar: BusinessCalendar,
    customer_id: UUID,
    now: datetime,
    *,
    purpose: str,
    channel: str,
    requested_by: str,
    past_the_limit: bool = False,
) -> Reservation | None:
    """Set a contact of the present period aside; None where none is left and it is not to go past the limit."""
    limit, period = await _limit_and_period(uow, standards, calendar, customer_id, now)
    overdrawn = await repository.take(uow, customer_id, period, limit, used=0, reserved=1, past_the_limit=past_the_limit)
    if overdrawn is None:
        return None
    reservation = Reservation(
        new_id(), customer_id, period.start, limit.per_days, purpose, channel, "reserved", overdrawn, requested_by, now
    )
    await repository.insert_reservation(uow, reservation)
    return reservation


async def spend(uow: UnitOfWork, standards: Standards, calendar: BusinessCalendar, customer_id: UUID, now: datetime) -> bool:
    """Count a contact that has happened and was not reserved; returns whether it overdraws the budget. Never refuses."""
    limit, period = await _limit_and_period(uow, standards, calendar, customer_id, now)
    return bool(await repository.take(uow, customer_id, period, limit, used=1, reserved=0, past_the_limit=True))


async def settle(uow: UnitOfWork, scope: RowScope, reservation_id: UUID, state: str, now: datetime) -> Reservation:
    """Confirm or release, once: the same again changes nothing. A contact that was made is counted, though its reservation has expired.

    Raises `NotFound`, and `ReservationSettled` for the other way.
    """
    held = await repository.lock_reservation(uow, scope, reservation_id, now)
    if held is None:
        raise NotFound
    if held.state == state or (held.state, state) == ("expired", "released"):
        return held
    before = held.state if held.state == "expired" else "reserved"
    if not await repository.settle(uow, reservation_id, state, now, before=before):
        raise ReservationSettled
    return replace(held, state=state, settled_at=now)


async def read_budget(
    uow: UnitOfWork, scope: RowScope, standards: Standards, calendar: BusinessCalendar, customer_id: UUID, now: datetime
) -> tuple[ContactLimit, Period, Budget]:
    """Limit, period and what is gone of it. Raises `NotFound` for a customer out of scope."""
    if not await customers.customer_is_visible(uow, scope, customer_id, now):
        raise NotFound
    limit, period = await _limit_and_period(uow, standards, calendar, customer_id, now)
    return limit, period, await repository.read_budget(uow, customer_id, period, limit)


async def _limit_and_period(
    uow: UnitOfWork, standards: Standards, calendar: BusinessCalendar, customer_id: UUID, now: datetime
) -> tuple[ContactLimit, Period]:
    limit = await repository.agreed_limit(uow, customer_id) or standards.contact_limit
    return limit, policy.period_of(calendar.local_date(now), limit)
