"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from scoring_svc.lifetime.routes import lifetime_models
from scoring_svc.parts import ScoringWorkerParts

LIFETIME: Final = Slice[ScoringWorkerParts](routers=[lifetime_models])
