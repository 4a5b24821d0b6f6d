"""What engagement-svc keeps of customer-svc, as the texts that customer-svc sums too (D20)."""

from typing import Final

from guanxi_common.digests.directory import DIRECTORY
from guanxi_common.digests.policy import Digested

CUSTOMERS: Final = Digested(
    "customers", "SELECT customer_id::text AS key, concat_ws('|', customer_id, version) AS content FROM customer"
)
DIGESTED: Final = (CUSTOMERS, DIRECTORY)
