"""The contact effects."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.retention.policy import Contact


@dataclass(frozen=True, slots=True)
class ContactEffect:
    """One contact or review that counts; see `ContactEffectRow`."""

    customer_id: UUID
    evidence_id: UUID
    kind: str
    occurred_on: date
    contribution_bp: int
    standards_version: int
    traceparent: str | None


_ADD = """
WITH incoming AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::int[], $6::int[], $8::text[]) WITH ORDINALITY
        AS effect (customer_id, evidence_id, kind, occurred_on, contribution_bp, standards_version, traceparent, place)
), fresh AS (
    INSERT INTO contact_effect (customer_id, evidence_id, kind, occurred_on, contribution_bp, standards_version, recorded_at)
    SELECT customer_id, evidence_id, kind, occurred_on, contribution_bp, standards_version, $7::timestamptz FROM incoming
    ON CONFLICT DO NOTHING RETURNING customer_id, evidence_id, occurred_on
)
INSERT INTO dirty_customer AS dirty (customer_id, since, touched_from, traceparent, settled)
SELECT customer_id, $7::timestamptz, touched_from, traceparent, false
FROM (
    SELECT customer_id, max(fresh.occurred_on) AS touched_from, max(place) AS place
    FROM fresh JOIN incoming USING (customer_id, evidence_id) GROUP BY customer_id
) touched JOIN incoming USING (customer_id, place) ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET traceparent = EXCLUDED.traceparent
"""


async def add_effects(uow: UnitOfWork, effects: Sequence[ContactEffect], recorded_at: datetime) -> None:
    """Keep each effect once, and mark its customer dirty."""
    await uow.driver.execute(
        _ADD,
        [e.customer_id for e in effects],
        [e.evidence_id for e in effects],
        [e.kind for e in effects],
        [e.occurred_on for e in effects],
        [e.contribution_bp for e in effects],
        [e.standards_version for e in effects],
        recorded_at,
        [e.traceparent for e in effects],
    )


async def read_contacts(
    uow: UnitOfWork, customer_ids: Collection[UUID], known_at: datetime | None = None
) -> dict[UUID, list[Contact]]:
    """The contacts of each customer, oldest first; with `known_at` only what had been recorded by then."""
    rows = await uow.driver.fetch(
        "SELECT customer_id, evidence_id, occurred_on, contribution_bp FROM contact_effect WHERE customer_id = ANY($1::uuid[])"
        " AND contribution_bp <> 0 AND ($2::timestamptz IS NULL OR recorded_at <= $2) ORDER BY occurred_on, evidence_id",
        list(customer_ids),
        known_at,
    )
    contacts: dict[UUID, list[Contact]] = {}
    for row in rows:
        contact = Contact(str(row["evidence_id"]), row["occurred_on"], row["contribution_bp"])
        contacts.setdefault(row["customer_id"], []).append(contact)
    return contacts
