"""What engagement told: contacts and reviews with their contribution, complaints and satisfaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.features.policy import ContactFact, Engagement, EngagementFact, FactKind
from scoring_svc.queues import rescoring
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
    result: str | None = None
    effect: str | None = None
    revision: int = 1


# The revision of a contact that is known now, or was at the instant $2.
_KNOWN = """CASE WHEN $2::timestamptz IS NULL THEN superseded_at IS NULL
    ELSE recorded_at <= $2 AND (superseded_at IS NULL OR superseded_at > $2) END"""
_TOUCHED_BY_EFFECTS = """
SELECT customer_id, $7::timestamptz, touched_from, traceparent, false
FROM (
    SELECT customer_id, max(fresh.occurred_on) AS touched_from, max(place) AS place
    FROM fresh JOIN incoming USING (customer_id, evidence_id) GROUP BY customer_id
) touched JOIN incoming USING (customer_id, place) ORDER BY customer_id
"""
_ADD_EFFECTS = f"""
WITH incoming AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::int[], $6::int[], $8::text[], $9::text[],
        $10::text[], $11::int[]) WITH ORDINALITY
        AS effect (customer_id, evidence_id, kind, occurred_on, contribution_bp, standards_version, traceparent, result, effect, revision,
            place)
), superseded AS (
    UPDATE contact_effect kept SET superseded_at = $7::timestamptz FROM incoming
    WHERE (kept.customer_id, kept.evidence_id) = (incoming.customer_id, incoming.evidence_id)
        AND kept.revision < incoming.revision AND kept.superseded_at IS NULL
), fresh AS (
    INSERT INTO contact_effect
        (customer_id, evidence_id, kind, occurred_on, contribution_bp, standards_version, recorded_at, result, effect, revision)
    SELECT customer_id, evidence_id, kind, occurred_on, contribution_bp, standards_version, $7::timestamptz, result, effect, revision
    FROM incoming WHERE NOT EXISTS (
        SELECT FROM contact_effect kept WHERE (kept.customer_id, kept.evidence_id) = (incoming.customer_id, incoming.evidence_id)
            AND kept.revision > incoming.revision
    )
    ON CONFLICT DO NOTHING RETURNING customer_id, evidence_id, occurred_on
)
{rescoring.mark_told_sql(_TOUCHED_BY_EFFECTS)}
"""  # noqa: S608  # constants only


async def add_effects(uow: UnitOfWork, effects: Sequence[ContactEffect], recorded_at: datetime) -> None:
    """Keep each effect once, and mark its customer dirty. Of one contact the greatest revision counts, whenever it arrives."""
    newest: dict[tuple[UUID, UUID], ContactEffect] = {}
    for effect in effects:
        known = newest.get((effect.customer_id, effect.evidence_id))
        if known is None or known.revision < effect.revision:
            newest[effect.customer_id, effect.evidence_id] = effect
    effects = list(newest.values())
    await uow.driver.execute(
        _ADD_EFFECTS,
        [e.customer_id for e in effects],
        [e.evidence_id for e in effects],
        [e.kind for e in effects],
        [e.occurred_on for e in effects],
        [e.contribution_bp for e in effects],
        [e.standards_version for e in effects],
        recorded_at,
        [e.traceparent for e in effects],
        [e.result for e in effects],
        [e.effect for e in effects],
        [e.revision for e in effects],
    )


async def read_contacts(
    uow: UnitOfWork, customer_ids: Collection[UUID], known_at: datetime | None = None
) -> dict[UUID, list[Contact]]:
    """The contacts of each customer, oldest first; with `known_at` only what had been recorded by then."""
    rows = await uow.driver.fetch(
        "SELECT customer_id, evidence_id, occurred_on, contribution_bp, kind, result, effect FROM contact_effect"  # noqa: S608  # constants
        " WHERE customer_id = ANY($1::uuid[]) AND contribution_bp <> 0"
        f" AND {_KNOWN}"
        " ORDER BY occurred_on, evidence_id",
        list(customer_ids),
        known_at,
    )
    contacts: dict[UUID, list[Contact]] = {}
    for row in rows:
        customer_id, evidence_id, *recorded = row.values()
        contacts.setdefault(customer_id, []).append(Contact(str(evidence_id), *recorded))
    return contacts


@dataclass(frozen=True, slots=True)
class NewFact:
    """One fact to keep; see `EngagementFactRow`. `traceparent` is that of the event that told it."""

    customer_id: UUID
    subject_id: UUID
    kind: FactKind
    occurred_on: date
    value: int | None
    traceparent: str | None


_TOUCHED_BY_FACTS = """
SELECT customer_id, $6::timestamptz, max(fresh.occurred_on), max(traceparent), false
FROM fresh JOIN incoming USING (customer_id, subject_id, kind)
GROUP BY customer_id ORDER BY customer_id
"""
_ADD_FACTS = f"""
WITH incoming AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::int[], $7::text[])
        AS fact (customer_id, subject_id, kind, occurred_on, value, traceparent)
), fresh AS (
    INSERT INTO engagement_fact (customer_id, subject_id, kind, occurred_on, value, recorded_at)
    SELECT customer_id, subject_id, kind, occurred_on, value, $6::timestamptz FROM incoming
    ON CONFLICT DO NOTHING RETURNING customer_id, subject_id, kind, occurred_on
)
{rescoring.mark_told_sql(_TOUCHED_BY_FACTS)}
"""  # noqa: S608  # constants only


async def add_facts(uow: UnitOfWork, facts: Sequence[NewFact], recorded_at: datetime) -> None:
    """Keep each fact once, and mark its customer dirty."""
    await uow.driver.execute(
        _ADD_FACTS,
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
        "SELECT customer_id, occurred_on, kind, contribution_bp FROM contact_effect WHERE customer_id = ANY($1::uuid[])"  # noqa: S608  # constants
        f" AND {_KNOWN}",
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
