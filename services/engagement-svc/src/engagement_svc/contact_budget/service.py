"""Reserve, confirm, release and spend contacts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import FieldError, InvalidInput, NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.work import Work

from engagement_svc.complaints import repository as complaints
from engagement_svc.contact_budget import policy, repository
from engagement_svc.contact_budget.errors import (
    ContactBudgetExhausted,
    InQuietHours,
    ReservationSettled,
    SalesOnHold,
    WithoutConsent,
)
from engagement_svc.contact_budget.policy import Ledger
from engagement_svc.contact_budget.repository import Reservation
from engagement_svc.customers import repository as customers
from engagement_svc.customers.policy import is_granted
from engagement_svc.parts import GiveWay
from engagement_svc.rules import Rules
from engagement_svc.standards import ContactLimit, Standards

CONTACT_LIMIT: Final = "contact_limit"
NO_CONSENT: Final = "no_consent"
"""Why a reservation is cancelled."""
FARTHEST = timedelta(days=366)
"""How far ahead contacts are set aside."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A contact to be set aside: for the earliest day from `since` through `until` that fits; it holds until `until`.

    `consent_purpose`: what the customer must have agreed to, None for nothing.
    """

    customer_id: UUID
    purpose: str
    channel: str
    requested_by: str
    since: date
    until: date
    consent_purpose: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """A contact that happened and that nobody had reserved."""

    customer_id: UUID
    purpose: str
    channel: str
    made_at: datetime
    recorded_by: str
    interaction_id: UUID


@dataclass(frozen=True, slots=True)
class State:
    """What counts of a customer, and the limit."""

    limit: ContactLimit
    ledger: Ledger
    overdrawn: int


async def reserve_contact(work: Work, rules: Rules, wanted: Wanted) -> Reservation:
    """Set a contact aside for who asks in time. Raises `SalesOnHold`, `WithoutConsent`, `InQuietHours`, `ContactBudgetExhausted`, and
    `InvalidInput` for days that have passed or lie too far ahead."""
    today = work.today
    if not today <= wanted.since <= wanted.until <= today + FARTHEST:
        detail = Text("The dates are today or later, in order, within a year.", "日期须为今天起一年之内且先后有序。")
        raise InvalidInput(errors=[FieldError("/on_day", "not_in_time", detail)])
    await repository.lock_accounts(work.uow, [wanted.customer_id])
    if await holds_selling(work.uow, rules.standards, wanted.customer_id, wanted.purpose):
        raise SalesOnHold
    await keep_to_what_is_agreed(work, rules, wanted)
    reservation = await reserve(work, rules, wanted)
    if reservation is None:
        limit, ledger = await _limit_and_ledger(work, rules, wanted.customer_id, today)
        day = policy.first_fit(ledger.days, today, None, limit)
        detail = (
            Text(f"The next contact fits on {day}.", f"最早可于{day}联系。")
            if day
            else Text("The customer is not to be contacted.", "该客户不接受联系。")
        )
        raise ContactBudgetExhausted(detail)
    return reservation


async def holds_selling(uow: UnitOfWork, standards: Standards, customer_id: UUID, purpose: str) -> bool:
    """Whether a contact of this purpose would sell while an open complaint stops selling."""
    return purpose == policy.SELLING and await complaints.holds_selling(uow, customer_id, standards.sales_hold)


async def keep_to_what_is_agreed(work: Work, rules: Rules, wanted: Wanted) -> None:
    """Whether such a contact may be made. Raises `WithoutConsent` for one that sells where the customer has not agreed to be sold to on
    the channel, and `InQuietHours` for one that is to be made at once."""
    consents = await customers.read_consents(work.uow, wanted.customer_id) if wanted.consent_purpose else ()
    if wanted.consent_purpose and not is_granted(consents, wanted.consent_purpose, wanted.channel):
        raise WithoutConsent
    if wanted.since > work.today or not policy.disturbs(wanted.purpose, wanted.channel):
        return
    quiet = await repository.quiet_hours(work.uow, wanted.customer_id)
    end = quiet.end_for(rules.calendar.local_time(work.now)) if quiet else None
    if end is not None:
        raise InQuietHours(Text(f"They last until {end:%H:%M}.", f"免打扰时段到{end:%H:%M}结束。"))


async def reserve(work: Work, rules: Rules, wanted: Wanted) -> Reservation | None:
    """Set the contact aside; None where no day fits. One of the customer's own matter needs none that is left."""
    await repository.lock_accounts(work.uow, [wanted.customer_id])
    day: date | None = wanted.since
    if wanted.purpose in policy.COUNTED:
        limit, ledger = await _limit_and_ledger(work, rules, wanted.customer_id, wanted.since)
        day = policy.first_fit(ledger.days, wanted.since, wanted.until, limit)
    if day is None:
        return None
    reservation = Reservation(
        id=new_id(),
        customer_id=wanted.customer_id,
        purpose=wanted.purpose,
        channel=wanted.channel,
        state="reserved",
        overdrawn=False,
        requested_by=wanted.requested_by,
        reserved_at=work.now,
        on_day=day,
        holds_until=wanted.until,
        consent_purpose=wanted.consent_purpose,
    )
    await repository.insert_reservation(work.uow, reservation)
    return reservation


async def spend(work: Work, rules: Rules, made: Made, give_way: GiveWay) -> Reservation:
    """Count a contact that has happened and was not reserved, on its own day. Never refuses: past the limit, others give way."""
    await repository.lock_accounts(work.uow, [made.customer_id])
    used = Reservation(
        id=new_id(),
        customer_id=made.customer_id,
        purpose=made.purpose,
        channel=made.channel,
        state="confirmed",
        overdrawn=False,
        requested_by=made.recorded_by,
        reserved_at=work.now,
        on_day=rules.calendar.local_date(made.made_at),
        holds_until=rules.calendar.local_date(made.made_at),
        settled_at=work.now,
        made_at=made.made_at,
        interaction_id=made.interaction_id,
    )
    used = replace(used, overdrawn=await _make_room(work, rules, used, give_way))
    await repository.insert_reservation(work.uow, used)
    return used


async def recount(work: Work, rules: Rules, counted: Sequence[Reservation], made: Made | None, give_way: GiveWay) -> None:
    """Count a contact as its corrected record says; `counted` is what it has used so far, `made` None where it counts no more."""
    said = [(one.purpose, one.channel, one.made_at) for one in counted]
    if made is not None and said == [(made.purpose, made.channel, made.made_at)]:
        return
    await repository.give_back(work.uow, [one.id for one in counted], work.now)
    if made is not None:
        await spend(work, rules, made, give_way)


async def confirm(
    work: Work, rules: Rules, held: Reservation, made_at: datetime, give_way: GiveWay, *, interaction_id: UUID | None = None
) -> Reservation:
    """The contact was made: it counts on its own day, though its reservation has expired or was cancelled. The same again changes nothing.

    Raises `ReservationSettled` for one that was released, and `WithoutConsent` for a contact made after the withdrawal arrived.
    """
    await repository.lock_accounts(work.uow, [held.customer_id])
    if held.state == "confirmed":
        return held
    if held.state == "released":
        raise ReservationSettled
    withdrawn_at = held.settled_at if held.ended_because == NO_CONSENT else None
    if not policy.may_be_confirmed(withdrawn_at, made_at):
        raise WithoutConsent(Text("The customer had withdrawn the consent.", "客户已撤回同意。"))
    confirmed = replace(
        held,
        state="confirmed",
        settled_at=work.now,
        made_at=made_at,
        on_day=rules.calendar.local_date(made_at),
        without_consent=policy.was_without_consent(held.said_at, made_at),
        interaction_id=interaction_id,
    )
    if confirmed.purpose in policy.COUNTED:
        confirmed = replace(confirmed, overdrawn=await _make_room(work, rules, confirmed, give_way))
    if not await repository.confirm(work.uow, confirmed, before=held.state):
        raise ReservationSettled
    return confirmed


async def confirm_contact(
    work: Work, rules: Rules, reservation_id: UUID, made_at: datetime | None, give_way: GiveWay
) -> Reservation:
    """`confirm` for who asks from outside. Raises `NotFound` out of scope and `InvalidInput` for a time that cannot be."""
    held = await _in_scope(work, reservation_id)
    if not policy.is_plausible(made_at or work.now, held.reserved_at, work.now):
        detail = Text("A contact is made after it was reserved, and not in the future.", "联系时间应在预留之后且不晚于现在。")
        raise InvalidInput(errors=[FieldError("/made_at", "implausible", detail)])
    return await confirm(work, rules, held, made_at or work.now, give_way)


async def release_contact(work: Work, reservation_id: UUID) -> Reservation:
    """The contact was not made; the same again, or after the reservation has ended by itself, changes nothing.

    Raises `NotFound` out of scope, and `ReservationSettled` where it was made.
    """
    held = await _in_scope(work, reservation_id)
    if held.state in ("released", "expired", "cancelled"):
        return held
    if not await repository.settle(work.uow, reservation_id, "released", work.now):
        raise ReservationSettled
    return replace(held, state="released", settled_at=work.now)


async def read_state(work: Work, rules: Rules, customer_id: UUID) -> State:
    """The limit, and what counts of it. Raises `NotFound` for a customer out of scope."""
    if not await customers.customer_is_visible(work.uow, work.scope, customer_id, work.now):
        raise NotFound
    today = work.today
    limit, ledger = await _limit_and_ledger(work, rules, customer_id, today)
    return State(limit, ledger, await repository.count_overdrawn(work.uow, customer_id, today - timedelta(days=limit.per_days)))


async def _in_scope(work: Work, reservation_id: UUID) -> Reservation:
    """The reservation as it stands once the customer's account is locked."""
    seen = await repository.read_reservation(work.uow, work.scope, reservation_id, work.now)
    if seen is None:
        raise NotFound
    await repository.lock_accounts(work.uow, [seen.customer_id])
    held = await repository.read_reservation(work.uow, work.scope, reservation_id, work.now)
    if held is None:
        raise NotFound
    return held


async def _make_room(work: Work, rules: Rules, used: Reservation, give_way: GiveWay) -> bool:
    """Cancel what gives way to a contact that was made; returns whether it is past the limit."""
    limit, ledger = await _limit_and_ledger(work, rules, used.customer_id, used.on_day)
    others = Ledger(ledger.used, tuple(one for one in ledger.held if one.id != used.id))
    cancelled = policy.giving_way(Ledger((*others.used, used.on_day), others.held), used.on_day, limit)
    if cancelled:
        await give_way(work, [one.id for one in cancelled])
    return policy.room(others.used, used.on_day, limit) == 0


async def _limit_and_ledger(work: Work, rules: Rules, customer_id: UUID, since: date) -> tuple[ContactLimit, Ledger]:
    """The limit in force, and everything that bears on days from `since`."""
    limit = await repository.agreed_limit(work.uow, customer_id) or rules.standards.contact_limit
    after = min(since, work.today) - timedelta(days=limit.per_days)
    return limit, await repository.read_ledger(work.uow, customer_id, after, work.today)
