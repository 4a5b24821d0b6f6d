"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.parts import CustomerWorkerParts
from customer_svc.risk_profiles.routes import risk_profiles

RISK_PROFILES: Final = Slice[CustomerWorkerParts](routers=[risk_profiles])
