"""Agree on how a customer is contacted."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from guanxi_common.errors import InvalidInput
from guanxi_common.keys.store import KeyStore
from guanxi_common.work import Work

from customer_svc.contact_preferences import policy, repository
from customer_svc.contact_preferences.repository import ContactPreferences
from customer_svc.contact_preferences.schemas import ContactPreferencesChange
from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.events import CustomerChanged
from customer_svc.facets.policy import Facet

_COLUMNS = {
    "preferred_channels": ("preferred_channels",),
    "topics": ("topics",),
    "quiet_hours": ("quiet_from", "quiet_to"),
    "contact_limits": ("max_contacts", "per_days"),
}
"""The columns of each field."""


async def change_preferences(
    work: Work, keys: KeyStore, customer_id: UUID, change: ContactPreferencesChange
) -> ContactPreferences:
    """Apply a merge patch; raises `NotFound`, `StaleVersion`, `InvalidInput`. What changes nothing is no change."""
    customer = await lock_customer(work, customer_id)
    before = await repository.read_preferences(work.uow, work.scope, customer_id, work.now)
    work.check_version(before.version)
    agreed_on = change.agreed_on or work.today
    quiet = (change.quiet_hours.from_, change.quiet_hours.to) if change.quiet_hours else None
    if errors := policy.wrong(change.preferred_channels, change.topics, quiet, agreed_on, work.today):
        raise InvalidInput(errors=errors)
    patched = replace(before, **_patch(change))
    fields = [name for name, columns in _COLUMNS.items() if any(getattr(before, c) != getattr(patched, c) for c in columns)]
    if not fields:
        return before
    if errors := policy.outdated(before.agreed, fields, agreed_on):
        raise InvalidInput(errors=errors)
    agreement = {
        "on": agreed_on.isoformat(),
        "method": change.method,
        "recorded_by": work.actor,
        "data_origin": change.data_origin,
    }
    patched = replace(patched, version=before.version + 1, agreed={**before.agreed, **dict.fromkeys(fields, agreement)})
    await repository.store_preferences(work.uow, patched)
    changed = CustomerChanged(customer_id=customer_id, changed_fields=fields)
    await tell_changes(work, await keys.get(customer_id), customer, Facet.AGREEMENTS, [changed])
    return patched


def _patch(change: ContactPreferencesChange) -> dict[str, Any]:
    """The columns that the change names, with their new values."""
    quiet, limits = change.quiet_hours, change.contact_limits
    values: dict[str, Any] = {
        "preferred_channels": tuple(change.preferred_channels or ()),
        "topics": tuple(change.topics or ()),
        "quiet_from": quiet.from_ if quiet else None,
        "quiet_to": quiet.to if quiet else None,
        "max_contacts": limits.max_contacts if limits else None,
        "per_days": limits.per_days if limits else None,
    }
    named = [column for name, columns in _COLUMNS.items() if name in change.model_fields_set for column in columns]
    return {column: values[column] for column in named}
