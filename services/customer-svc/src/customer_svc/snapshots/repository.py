"""What the slices hold of one customer, read in one round trip: every registration and assignment tells a snapshot too."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

# What counts is each slice's rule: the latest statement of a purpose and channel, the assessment of the latest date, the earliest review.
_STANDING = """
SELECT
    (SELECT coalesce(jsonb_agg(jsonb_build_object('capacity', capacity, 'staff_id', staff_id, 'outlet_id', outlet_id,
            'valid_from', valid_from, 'valid_to', valid_to) ORDER BY valid_from, capacity), '[]')
        FROM book_assignment WHERE customer_id = $1) AS assignments,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('purpose', purpose, 'channel', channel, 'granted', granted, 'since', since)
            ORDER BY purpose, channel), '[]')
        FROM (SELECT DISTINCT ON (purpose, channel) * FROM consent WHERE customer_id = $1
              ORDER BY purpose, channel, since DESC, version DESC) said) AS consents,
    (SELECT jsonb_build_object('level', level, 'assessed_on', assessed_on, 'expires_on', expires_on)
        FROM risk_profile WHERE customer_id = $1 ORDER BY assessed_on DESC, id DESC LIMIT 1) AS risk_profile,
    (SELECT min(review_on) FROM vulnerability WHERE customer_id = $1 AND resolved_on IS NULL) AS vulnerable_until,
    coalesce(agreed.preferred_channels, '{}') AS preferred_channels,
    CASE WHEN agreed.quiet_from IS NOT NULL
        THEN jsonb_build_object('from', agreed.quiet_from, 'to', agreed.quiet_to) END AS quiet_hours,
    CASE WHEN agreed.max_contacts IS NOT NULL
        THEN jsonb_build_object('max_contacts', agreed.max_contacts, 'per_days', agreed.per_days) END AS contact_limits
FROM (VALUES ($1::uuid)) AS asked (customer_id) LEFT JOIN contact_preferences agreed USING (customer_id)
"""


async def read_standing(uow: UnitOfWork, customer_id: UUID) -> Mapping[str, Any]:
    """The parts of the snapshot, by name: the whole state, whoever asks. The caller has locked the customer in scope."""
    row = await uow.driver.fetchrow(_STANDING, customer_id)
    return dict(row)
