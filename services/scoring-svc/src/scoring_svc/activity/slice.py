"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from scoring_svc.activity.routes import activity
from scoring_svc.parts import ScoringWorkerParts

ACTIVITY: Final = Slice[ScoringWorkerParts](routers=[activity])
