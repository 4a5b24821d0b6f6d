"""Contact preferences over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.contact_preferences import repository, service
from customer_svc.contact_preferences.repository import ContactPreferences
from customer_svc.contact_preferences.schemas import (
    Agreement,
    ContactLimits,
    ContactPreferencesChange,
    ContactPreferencesOut,
    QuietHours,
)
from customer_svc.customers.repository import customer_is_visible
from customer_svc.parts import parts_of

contact_preferences = router("contact preferences")

_AGREED = {
    "on": "2026-11-23",
    "method": "in_person",
    "recorded_by": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "data_origin": "reported",
}
_PREFERENCES = {
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "preferred_channels": ["phone", "wechat"],
    "topics": [],
    "quiet_hours": {"from": "21:00", "to": "09:00"},
    "contact_limits": {"max_contacts": 2, "per_days": 30},
    "agreed": {"preferred_channels": _AGREED, "quiet_hours": _AGREED, "contact_limits": _AGREED},
    "version": 1,
}
_CHANGE = {
    "method": "in_person",
    "preferred_channels": ["phone", "wechat"],
    "quiet_hours": {"from": "21:00", "to": "09:00"},
    "contact_limits": {"max_contacts": 2, "per_days": 30},
}


@contact_preferences.get(
    "/v1/customers/{customer_id}/contact-preferences",
    operation_id="readContactPreferences",
    summary="How a customer wants to be contacted (联系偏好)",
    **documented(ContactPreferencesOut, _PREFERENCES),
)
async def read_preferences(customer_id: UUID, call: Annotated[Call, permission("contact_preference.read")]) -> Response:
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        found = await repository.read_preferences(read.uow, read.scope, customer_id, read.now)
        await audit.record(read.uow, read.audit, customer_id, ("contact_preferences",))
        return read.reply(_out(found), etag=found.version)


@contact_preferences.patch(
    "/v1/customers/{customer_id}/contact-preferences",
    operation_id="changeContactPreferences",
    summary="Agree on channels, quiet hours, limits and topics (merge patch)",
    description="A customer who has agreed on nothing yet has version 0.",
    **documented(ContactPreferencesOut, _PREFERENCES, request=_CHANGE),
)
async def change_preferences(
    customer_id: UUID, body: ContactPreferencesChange, call: Annotated[Call, permission("contact_preference.write")]
) -> Response:
    async with call.write() as write:
        changed = await service.change_preferences(write.work, parts_of(call).keys, customer_id, body)
        await audit.record(write.uow, write.audit, customer_id, ("contact_preferences",))
        return await write.reply(200, _out(changed), etag=changed.version)


def _out(found: ContactPreferences) -> ContactPreferencesOut:
    quiet = QuietHours(from_=found.quiet_from, to=found.quiet_to) if found.quiet_from and found.quiet_to else None
    limited = found.max_contacts is not None and found.per_days is not None
    return ContactPreferencesOut(
        customer_id=found.customer_id,
        preferred_channels=list(found.preferred_channels),
        topics=list(found.topics),
        quiet_hours=quiet,
        contact_limits=ContactLimits(max_contacts=found.max_contacts or 0, per_days=found.per_days or 1) if limited else None,
        agreed={name: Agreement(**agreement) for name, agreement in found.agreed.items()},
        version=found.version,
    )
