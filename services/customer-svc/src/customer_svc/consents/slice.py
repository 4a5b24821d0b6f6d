"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.consents.routes import consents
from customer_svc.parts import CustomerWorkerParts

CONSENTS: Final = Slice[CustomerWorkerParts](routers=[consents])
