"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.match_cases.routes import match_cases
from customer_svc.parts import CustomerWorkerParts

MATCH_CASES: Final = Slice[CustomerWorkerParts](routers=[match_cases])
