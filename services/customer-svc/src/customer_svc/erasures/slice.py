"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.erasures.routes import erasures
from customer_svc.parts import CustomerWorkerParts

ERASURES: Final = Slice[CustomerWorkerParts](routers=[erasures])
