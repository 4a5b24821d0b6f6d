"""The contact budget over HTTP, for RMs and for outside senders such as a message gateway."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from engagement_svc.contact_budget import policy, service
from engagement_svc.contact_budget.repository import Reservation
from engagement_svc.contact_budget.schemas import (
    Confirmation,
    ContactBudgetOut,
    ReservationOut,
    ReservationReference,
    ReservationRequest,
)
from engagement_svc.contact_budget.service import Wanted
from engagement_svc.customers import repository as customers
from engagement_svc.parts import parts_of

contact_budget = router("contact budget")

_REQUEST = {"customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10", "purpose": "marketing", "channel": "sms"}
_REFERENCE = {"reservation_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a31"}
_CONFIRMATION = {**_REFERENCE, "made_at": "2026-11-23T02:31:00Z"}
_RESERVATION = {
    "id": _REFERENCE["reservation_id"],
    **_REQUEST,
    "state": "reserved",
    "on_day": "2026-11-23",
    "holds_until": "2026-11-23",
    "overdrawn": False,
    "reserved_at": "2026-11-23T02:30:00Z",
    "settled_at": None,
    "made_at": None,
    "ended_because": None,
    "without_consent": False,
}
_SETTLED = {**_RESERVATION, "settled_at": "2026-11-23T02:31:00Z"}
_BUDGET = {
    "customer_id": _REQUEST["customer_id"],
    "max_contacts": 4,
    "per_days": 30,
    "used": 1,
    "reserved": 1,
    "left": 2,
    "overdrawn": 0,
    "next_free_on": "2026-11-23",
}


@contact_budget.get(
    "/v1/contact-budget/{customer_id}",
    operation_id="readContactBudget",
    summary="How many contacts are left today, and when the next one fits (联系次数)",
    **documented(ContactBudgetOut, _BUDGET),
)
async def read_contact_budget(customer_id: UUID, call: Annotated[Call, permission("contact_budget.read")]) -> Response:
    parts = parts_of(call)
    async with call.read() as read:
        state = await service.read_state(read.work, parts.rules, customer_id)
        await audit.record(read.uow, read.audit, customer_id, ("contact_budget",))
        today, days = parts.calendar.local_date(read.now), state.ledger.days
        return read.reply(
            ContactBudgetOut(
                customer_id=customer_id,
                max_contacts=state.limit.max_contacts,
                per_days=state.limit.per_days,
                used=len(state.ledger.used),
                reserved=len(state.ledger.held),
                left=policy.room(days, today, state.limit),
                overdrawn=state.overdrawn,
                next_free_on=policy.first_fit(days, today, None, state.limit),
            )
        )


@contact_budget.post(
    "/v1/contact-budget:reserve",
    operation_id="reserveContact",
    summary="Set a contact aside before making it (预留联系次数)",
    **documented(ReservationOut, _RESERVATION, status=201, request=_REQUEST),
)
async def reserve_contact(body: ReservationRequest, call: Annotated[Call, permission("contact_budget.use")]) -> Response:
    parts = parts_of(call)
    async with call.write() as write:
        if not await customers.customer_is_visible(write.uow, write.scope, body.customer_id, write.now):
            raise NotFound
        on_day = body.on_day or parts.calendar.local_date(write.now)
        wanted = Wanted(
            customer_id=body.customer_id,
            purpose=body.purpose,
            channel=body.channel,
            requested_by=call.principal.actor,
            since=on_day,
            until=body.until or on_day,
            consent_purpose=policy.consent_for(body.purpose),
        )
        reservation = await service.reserve_contact(write.work, parts.rules, wanted)
        await audit.record(write.uow, write.audit, body.customer_id, ("contact_budget",))
        return await write.reply(201, _out(reservation))


@contact_budget.post(
    "/v1/contact-budget:confirm",
    operation_id="confirmContact",
    summary="The contact was made: it is used",
    **documented(ReservationOut, {**_SETTLED, "state": "confirmed", "made_at": _CONFIRMATION["made_at"]}, request=_CONFIRMATION),
)
async def confirm_contact(body: Confirmation, call: Annotated[Call, permission("contact_budget.use")]) -> Response:
    parts = parts_of(call)
    async with call.write() as write:
        confirmed = await service.confirm_contact(write.work, parts.rules, body.reservation_id, body.made_at, parts.give_way)
        await audit.record(write.uow, write.audit, confirmed.customer_id, ("contact_budget",))
        return await write.reply(200, _out(confirmed))


@contact_budget.post(
    "/v1/contact-budget:release",
    operation_id="releaseContact",
    summary="The contact was not made: it is free again",
    **documented(ReservationOut, {**_SETTLED, "state": "released"}, request=_REFERENCE),
)
async def release_contact(body: ReservationReference, call: Annotated[Call, permission("contact_budget.use")]) -> Response:
    async with call.write() as write:
        released = await service.release_contact(write.work, body.reservation_id)
        await audit.record(write.uow, write.audit, released.customer_id, ("contact_budget",))
        return await write.reply(200, _out(released))


def _out(reservation: Reservation) -> ReservationOut:
    return ReservationOut(**{name: getattr(reservation, name) for name in ReservationOut.model_fields})
