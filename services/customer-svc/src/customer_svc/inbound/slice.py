"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.inbound.routes import inbound
from customer_svc.parts import CustomerWorkerParts

INBOUND: Final = Slice[CustomerWorkerParts](routers=[inbound])
