"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.parts import CustomerWorkerParts
from customer_svc.staff.routes import staff

STAFF: Final = Slice[CustomerWorkerParts](routers=[staff])
