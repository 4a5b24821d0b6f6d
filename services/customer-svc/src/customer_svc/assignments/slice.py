"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.assignments.routes import assignments
from customer_svc.parts import CustomerWorkerParts

ASSIGNMENTS: Final = Slice[CustomerWorkerParts](routers=[assignments])
