"""What is known of a relationship beside the postings: contacts with or without effect, complaints, satisfaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.features.policy import ContactFact, Engagement, EngagementFact, FactKind


@dataclass(frozen=True, slots=True)
class NewFact:
    """One fact to keep; see `EngagementFactRow`. `traceparent` is that of the event that told it."""

    customer_id: UUID
    subject_id: UUID
    kind: FactKind
    occurred_on: date
    value: int | None
    traceparent: str | None


_ADD = """
WITH incoming AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::int[], $7::text[])
        AS fact (customer_id, subject_id, kind, occurred_on, value, traceparent)
), fresh AS (
    INSERT INTO engagement_fact (customer_id, subject_id, kind, occurred_on, value, recorded_at)
    SELECT customer_id, subject_id, kind, occurred_on, value, $6::timestamptz FROM incoming
    ON CONFLICT DO NOTHING RETURNING customer_id, subject_id, kind, occurred_on
)
INSERT INTO dirty_customer AS dirty (customer_id, since, touched_from, traceparent, settled)
SELECT customer_id, $6::timestamptz, max(fresh.occurred_on), max(traceparent), false
FROM fresh JOIN incoming USING (customer_id, subject_id, kind)
GROUP BY customer_id ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET traceparent = EXCLUDED.traceparent
"""


async def add_facts(uow: UnitOfWork, facts: Sequence[NewFact], recorded_at: datetime) -> None:
    """Keep each fact once, and mark its customer dirty."""
    await uow.driver.execute(
        _ADD,
        [f.customer_id for f in facts],
        [f.subject_id for f in facts],
        [f.kind for f in facts],
        [f.occurred_on for f in facts],
        [f.value for f in facts],
        recorded_at,
        [f.traceparent for f in facts],
    )


async def read_engagement(
    uow: UnitOfWork, customer_ids: Collection[UUID], known_at: datetime | None = None
) -> dict[UUID, Engagement]:
    """What is known of each customer; with `known_at` only what had been recorded by then. For consumers and jobs, and for a
    reader whose scope was checked."""
    contacts: dict[UUID, list[ContactFact]] = {}
    facts: dict[UUID, list[EngagementFact]] = {}
    for row in await uow.driver.fetch(
        "SELECT customer_id, occurred_on, kind, contribution_bp FROM contact_effect WHERE customer_id = ANY($1::uuid[])"
        " AND ($2::timestamptz IS NULL OR recorded_at <= $2)",
        list(customer_ids),
        known_at,
    ):
        contacts.setdefault(row[0], []).append(ContactFact(row[1], row[2], row[3]))
    for row in await uow.driver.fetch(
        "SELECT customer_id, occurred_on, kind, subject_id, value FROM engagement_fact WHERE customer_id = ANY($1::uuid[])"
        " AND ($2::timestamptz IS NULL OR recorded_at <= $2)",
        list(customer_ids),
        known_at,
    ):
        facts.setdefault(row[0], []).append(EngagementFact(row[1], FactKind(row[2]), str(row[3]), row[4]))
    return {
        customer_id: Engagement(contacts.get(customer_id, ()), facts.get(customer_id, ()))
        for customer_id in contacts.keys() | facts.keys()
    }
