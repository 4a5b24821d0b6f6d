"""Pure rules of actions: what is declined at once, and where the task of an accepted one stands."""

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from uuid import UUID

from engagement_svc.customers.policy import Consent, is_granted
from engagement_svc.tasks.policy import Origin

LOWEST_PRIORITY = 100
_WHOLE_BP = 10_000


class Refusal(StrEnum):
    """Why an action is not taken up."""

    EXPIRED = "expired"
    NO_CONSENT = "no_consent"
    CONTACT_BUDGET = "contact_budget"
    SALES_HOLD = "sales_hold"
    RM_DECLINED = "rm_declined"


def refusal_of(
    consent_purpose: str | None, channel: str, expires_on: date, consents: Collection[Consent], today: date
) -> Refusal | None:
    """Why the action is declined before anything is reserved, if it is.

    `consent_purpose` is what the action needs consent for, None for nothing. Whether consent was ever given is scoring-svc's to know; here
    a withdrawal acts at once.
    """
    if expires_on < today:
        return Refusal.EXPIRED
    if consent_purpose is not None and is_granted(consents, consent_purpose, channel) is False:
        return Refusal.NO_CONSENT
    return None


def task_priority(priority_bp: int) -> int:
    """From the action's rank (10,000 is the most urgent) to a task's priority, 1 (the most urgent) to 100."""
    return LOWEST_PRIORITY - (LOWEST_PRIORITY - 1) * priority_bp // _WHOLE_BP


def origin_of(action_id: UUID) -> Origin:
    return Origin("action", action_id)
