"""What is summed, as the texts that customer-svc sums too, and telling what came of it."""

from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.digests.directory import DIRECTORY
from guanxi_common.digests.policy import Digested
from guanxi_common.digests.repository import Comparison
from guanxi_common.facets import digested_facet
from guanxi_common.messaging import outbox

from scoring_svc.digests.events import DigestCompared

LEDGER: Final = Digested(
    "bank.transactions",
    """
    SELECT e.customer_id::text AS key, concat_ws('|', e.customer_id, e.account_id, to_char(e.booked_on, 'YYYY-MM-DD'), e.amount_minor,
        e.currency, e.code, CASE WHEN r.entry_id IS NOT NULL THEN 'reversed' END) AS content
    FROM ledger_entry e LEFT JOIN ledger_reversal r ON r.customer_id = e.customer_id AND r.entry_id = e.entry_id
    WHERE e.booked_on <= $1
    """,
    dated=True,
)
DIGESTED: Final = (
    LEDGER,
    digested_facet("customer.files", "customer_facts"),
    digested_facet("customer.agreements", "customer_agreements"),
    digested_facet("customer.classifications", "customer_classification"),
    digested_facet("customer.books", "book_assignment"),
    DIRECTORY,
)


async def tell(uow: UnitOfWork, comparison: Comparison) -> None:
    """Tell customer-svc, whose reconciliation answers for the ledger too."""
    assert comparison.taken_at is not None  # noqa: S101  # a comparison that was made has all three
    assert comparison.until is not None  # noqa: S101
    assert comparison.compared_at is not None  # noqa: S101
    await outbox.append(
        uow,
        DigestCompared(
            digested=comparison.type,
            taken_at=comparison.taken_at,
            until=comparison.until,
            compared_at=comparison.compared_at,
            differing=comparison.differing,
        ),
    )
