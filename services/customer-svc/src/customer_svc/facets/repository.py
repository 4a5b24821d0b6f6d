"""The facets' versions, and what the slices hold of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from customer_svc.facets.parts import PARTS
from customer_svc.facets.policy import AT_REGISTRATION, Facet

# The customer's row stands still against the erasure alone: no facet is told after its tombstone.
_RAISE: Final = """
INSERT INTO customer_facet AS kept (customer_id, facet, version)
SELECT held.id, facet, 1 FROM (
    SELECT id FROM customer WHERE id = ANY($1::uuid[]) AND erased_at IS NULL ORDER BY id FOR KEY SHARE
) AS held CROSS JOIN unnest($2::text[]) AS facet ORDER BY held.id, facet
ON CONFLICT (customer_id, facet) DO UPDATE SET version = kept.version + 1
RETURNING customer_id, facet, version
"""
_COMPLETE: Final = """
INSERT INTO customer_facet (customer_id, facet, version)
SELECT id, facet, 1 FROM customer CROSS JOIN unnest($2::text[]) AS facet WHERE id = ANY($1::uuid[]) AND erased_at IS NULL
ORDER BY id, facet ON CONFLICT DO NOTHING
"""
_LOCK: Final = """
SELECT kept.customer_id, kept.facet, kept.version FROM customer_facet kept JOIN customer ON customer.id = kept.customer_id
WHERE kept.customer_id = ANY($1::uuid[]) AND kept.facet = ANY($2::text[]) AND customer.erased_at IS NULL
ORDER BY kept.customer_id, kept.facet FOR KEY SHARE OF customer FOR UPDATE OF kept
"""
_END: Final = "UPDATE customer_facet SET version = version + 1 WHERE customer_id = $1 RETURNING facet, version"


@dataclass(frozen=True, slots=True)
class FacetVersion:
    """A facet of a customer at a version, its row locked by this transaction."""

    customer_id: UUID
    facet: Facet
    version: int


async def raise_versions(uow: UnitOfWork, customer_ids: Collection[UUID], facets: Collection[Facet]) -> list[FacetVersion]:
    """Count the facets of the customers on, and keep other writers of them out; of who is erased there are none."""
    rows = await uow.driver.fetch(_RAISE, list(customer_ids), list(facets))
    return [FacetVersion(row[0], Facet(row[1]), row[2]) for row in rows]


async def lock_versions(uow: UnitOfWork, customer_ids: Collection[UUID], facets: Collection[Facet]) -> list[FacetVersion]:
    """The facets of the customers as they were told; what everybody has and somebody lacks begins at its first version."""
    await uow.driver.execute(_COMPLETE, list(customer_ids), [facet for facet in AT_REGISTRATION if facet in facets])
    return [
        FacetVersion(row[0], Facet(row[1]), row[2]) for row in await uow.driver.fetch(_LOCK, list(customer_ids), list(facets))
    ]


async def end_facets(uow: UnitOfWork, customer_id: UUID) -> list[tuple[Facet, int]]:
    """The versions of the tombstones. The caller has locked the customer's row against every writer."""
    return [(Facet(row[0]), row[1]) for row in await uow.driver.fetch(_END, customer_id)]


async def read_contents(uow: UnitOfWork, versions: Sequence[FacetVersion]) -> dict[tuple[UUID, Facet], Mapping[str, Any]]:
    """What the slices hold of the facets, by customer and facet: a statement for all customers with the same facets."""
    of_customer: dict[UUID, list[Facet]] = {}
    for one in versions:
        of_customer.setdefault(one.customer_id, []).append(one.facet)
    groups: dict[tuple[Facet, ...], list[UUID]] = {}
    for customer_id, facets in of_customer.items():
        groups.setdefault(tuple(sorted(facets)), []).append(customer_id)
    contents = {}
    for together, customer_ids in groups.items():
        for row in await uow.driver.fetch(_reading(together), customer_ids):
            contents.update({(row["id"], facet): row[facet] for facet in together})
    return contents


def _reading(facets: Sequence[Facet]) -> str:
    columns = ", ".join(f"{_object(PARTS[facet])} AS {facet}" for facet in facets)
    return f"SELECT c.id, {columns} FROM customer c WHERE c.id = ANY($1::uuid[])"  # noqa: S608  # parts are constants


def _object(parts: Mapping[str, str]) -> str:
    fields = ", ".join(f"'{name}', {sql}" for name, sql in parts.items())
    return f"jsonb_build_object('customer_id', c.id, {fields})"
