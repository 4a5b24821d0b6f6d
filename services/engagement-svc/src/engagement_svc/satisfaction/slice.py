"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.satisfaction.routes import satisfaction

SATISFACTION: Final = Slice[EngagementWorkerParts](routers=[satisfaction])
