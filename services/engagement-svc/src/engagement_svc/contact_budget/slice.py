"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from engagement_svc.contact_budget.routes import contact_budget
from engagement_svc.parts import EngagementWorkerParts

CONTACT_BUDGET: Final = Slice[EngagementWorkerParts](routers=[contact_budget])
