"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from engagement_svc.interactions.routes import interactions
from engagement_svc.parts import EngagementWorkerParts

INTERACTIONS: Final = Slice[EngagementWorkerParts](routers=[interactions])
