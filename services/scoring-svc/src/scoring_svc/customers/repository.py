"""The replica of customers."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import msgspec
from guanxi_common.db.uow import UnitOfWork

from scoring_svc.customers.policy import CustomerFacts

# A customer is complete with file and agreements; one who was never classified has no tier.
_FACTS: Final = """
SELECT customer_id, customer_type, birth_date, known_since, tier, agreed.detail
FROM customer_facts JOIN customer_agreements agreed USING (customer_id) LEFT JOIN customer_classification USING (customer_id)
WHERE customer_id = ANY($1::uuid[])
"""


async def read_facts(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, CustomerFacts]:
    """What is known of the customers who are complete."""
    rows = await uow.driver.fetch(_FACTS, list(customer_ids))
    return {row["customer_id"]: _facts(dict(row)) for row in rows}


def _facts(row: dict[str, object]) -> CustomerFacts:
    detail = row.pop("detail")
    assert isinstance(detail, dict)  # noqa: S101  # JSON of ours
    return msgspec.convert({**detail, **row, "customer_id": str(row["customer_id"])}, CustomerFacts)
