"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.parts import CustomerWorkerParts
from customer_svc.reconciliations.routes import reconciliations

RECONCILIATIONS: Final = Slice[CustomerWorkerParts](routers=[reconciliations])
