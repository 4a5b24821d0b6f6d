"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.clients.routes import clients
from customer_svc.parts import CustomerWorkerParts

CLIENTS: Final = Slice[CustomerWorkerParts](routers=[clients])
