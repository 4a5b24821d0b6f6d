"""The contact budget over HTTP, for RMs and for outside senders such as a message gateway."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound, Text
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from engagement_svc.contact_budget import service
from engagement_svc.contact_budget.errors import ContactBudgetExhausted
from engagement_svc.contact_budget.repository import Reservation
from engagement_svc.contact_budget.schemas import ContactBudgetOut, ReservationOut, ReservationReference, ReservationRequest
from engagement_svc.customers import repository as customers
from engagement_svc.parts import parts_of

contact_budget = router("contact budget")

_REQUEST = {"customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10", "purpose": "marketing", "channel": "sms"}
_REFERENCE = {"reservation_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a31"}
_RESERVATION = {
    "id": _REFERENCE["reservation_id"],
    **_REQUEST,
    "period_start": "2026-11-14",
    "per_days": 30,
    "state": "reserved",
    "overdrawn": False,
    "reserved_at": "2026-11-23T02:30:00Z",
    "settled_at": None,
}
_SETTLED = {**_RESERVATION, "settled_at": "2026-11-23T02:31:00Z"}
_BUDGET = {
    "customer_id": _REQUEST["customer_id"],
    "period_start": "2026-11-14",
    "period_end": "2026-12-14",
    "max_contacts": 4,
    "used": 1,
    "reserved": 1,
    "left": 2,
    "overdrawn": 0,
}


@contact_budget.get(
    "/v1/contact-budget/{customer_id}",
    operation_id="readContactBudget",
    summary="How many contacts of the period are left (联系次数)",
    **documented(ContactBudgetOut, _BUDGET),
)
async def read_contact_budget(customer_id: UUID, call: Annotated[Call, permission("contact_budget.read")]) -> Response:
    parts = parts_of(call)
    async with call.read() as read:
        limit, period, budget = await service.read_budget(
            read.uow, read.scope, parts.standards, parts.calendar, customer_id, read.now
        )
        await audit.record(read.uow, read.audit, customer_id, ("contact_budget",))
        return read.reply(
            ContactBudgetOut(
                customer_id=customer_id,
                period_start=period.start,
                period_end=period.end,
                max_contacts=limit.max_contacts,
                used=budget.used,
                reserved=budget.reserved,
                left=max(limit.max_contacts - budget.used - budget.reserved, 0),
                overdrawn=budget.overdrawn,
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
        await service.keep_to_what_is_agreed(
            write.uow, parts.calendar, body.customer_id, write.now, purpose=body.purpose, channel=body.channel
        )
        reservation = await service.reserve(
            write.uow,
            parts.standards,
            parts.calendar,
            body.customer_id,
            write.now,
            purpose=body.purpose,
            channel=body.channel,
            requested_by=call.principal.actor,
        )
        if reservation is None:
            raise ContactBudgetExhausted(
                Text("No contact of this period is left; the next one brings new ones.", "本期联系次数已用完，下一期恢复。")
            )
        await audit.record(write.uow, write.audit, body.customer_id, ("contact_budget",))
        return await write.reply(201, _out(reservation))


@contact_budget.post(
    "/v1/contact-budget:confirm",
    operation_id="confirmContact",
    summary="The contact was made: it is used",
    **documented(ReservationOut, {**_SETTLED, "state": "confirmed"}, request=_REFERENCE),
)
async def confirm_contact(body: ReservationReference, call: Annotated[Call, permission("contact_budget.use")]) -> Response:
    return await _settle(call, body, "confirmed")


@contact_budget.post(
    "/v1/contact-budget:release",
    operation_id="releaseContact",
    summary="The contact was not made: it is free again",
    **documented(ReservationOut, {**_SETTLED, "state": "released"}, request=_REFERENCE),
)
async def release_contact(body: ReservationReference, call: Annotated[Call, permission("contact_budget.use")]) -> Response:
    return await _settle(call, body, "released")


async def _settle(call: Call, body: ReservationReference, state: str) -> Response:
    async with call.write() as write:
        settled = await service.settle(write.uow, write.scope, body.reservation_id, state, write.now)
        await audit.record(write.uow, write.audit, settled.customer_id, ("contact_budget",))
        return await write.reply(200, _out(settled))


def _out(reservation: Reservation) -> ReservationOut:
    return ReservationOut(**{name: getattr(reservation, name) for name in ReservationOut.model_fields})
