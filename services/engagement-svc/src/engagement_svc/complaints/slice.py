"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from engagement_svc.complaints.routes import complaints
from engagement_svc.parts import EngagementWorkerParts

COMPLAINTS: Final = Slice[EngagementWorkerParts](routers=[complaints])
