"""What each slice gives to a facet: a field of its event, as SQL on the customer's row `c`.

What counts is each slice's rule: the latest statement of a purpose and channel, the assessment of the latest date, the earliest review.
"""

from collections.abc import Mapping
from typing import Final

from customer_svc.facets.policy import Facet

_CONSENTS = """
(SELECT coalesce(jsonb_agg(jsonb_build_object('purpose', purpose, 'channel', channel, 'granted', granted, 'since', since)
        ORDER BY purpose, channel), '[]')
 FROM (SELECT DISTINCT ON (purpose, channel) * FROM consent WHERE customer_id = c.id
       ORDER BY purpose, channel, since DESC, version DESC) said)
"""
_RISK_PROFILE = """
(SELECT jsonb_build_object('level', level, 'assessed_on', assessed_on, 'expires_on', expires_on)
 FROM risk_profile WHERE customer_id = c.id ORDER BY assessed_on DESC, id DESC LIMIT 1)
"""
_QUIET_HOURS = """
(SELECT jsonb_build_object('from', quiet_from, 'to', quiet_to)
 FROM contact_preferences WHERE customer_id = c.id AND quiet_from IS NOT NULL)
"""
_CONTACT_LIMITS = """
(SELECT jsonb_build_object('max_contacts', max_contacts, 'per_days', per_days)
 FROM contact_preferences WHERE customer_id = c.id AND max_contacts IS NOT NULL)
"""
# Past ones too: a reader's clock may be behind, and the relationship began with the first.
_ASSIGNMENTS = """
(SELECT coalesce(jsonb_agg(jsonb_build_object('capacity', capacity, 'staff_id', staff_id, 'outlet_id', outlet_id,
        'valid_from', valid_from, 'valid_to', valid_to) ORDER BY valid_from, capacity), '[]')
 FROM book_assignment WHERE customer_id = c.id)
"""

PARTS: Final[Mapping[Facet, Mapping[str, str]]] = {
    Facet.FILE: {
        "customer_type": "c.customer_type",
        "outlet_id": "c.outlet_id",
        "language": "c.language",
        "display_name": "c.name",
        "birth_date": "c.birth_date",
    },
    Facet.AGREEMENTS: {
        "consents": _CONSENTS,
        "preferred_channels": "coalesce((SELECT to_jsonb(preferred_channels) FROM contact_preferences WHERE customer_id = c.id), '[]')",
        "quiet_hours": _QUIET_HOURS,
        "contact_limits": _CONTACT_LIMITS,
        "risk_profile": _RISK_PROFILE,
        "vulnerable_until": "(SELECT min(review_on) FROM vulnerability WHERE customer_id = c.id AND resolved_on IS NULL)",
    },
    Facet.CLASSIFICATION: {
        "tier": "(SELECT tier FROM customer_tier WHERE customer_id = c.id)",
        "tier_since": "(SELECT since FROM customer_tier WHERE customer_id = c.id)",
    },
    Facet.BOOK: {"assignments": _ASSIGNMENTS},
}
SEALED: Final = ("display_name", "birth_date")
"""The fields of the file that travel in its `sealed`."""
