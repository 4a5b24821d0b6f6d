"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.parts import CustomerWorkerParts
from customer_svc.vulnerabilities.routes import vulnerabilities

VULNERABILITIES: Final = Slice[CustomerWorkerParts](routers=[vulnerabilities])
