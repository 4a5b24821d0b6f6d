"""What engagement-svc keeps of customer-svc, as the texts that customer-svc sums too (D20)."""

from typing import Final

from guanxi_common.digests.directory import DIRECTORY
from guanxi_common.facets import digested_facet

DIGESTED: Final = (
    digested_facet("customer.files", "customer"),
    digested_facet("customer.agreements", "customer_agreements"),
    digested_facet("customer.books", "book_assignment"),
    DIRECTORY,
)
