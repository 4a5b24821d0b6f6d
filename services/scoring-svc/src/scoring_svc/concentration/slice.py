"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from scoring_svc.concentration.routes import concentration
from scoring_svc.parts import ScoringWorkerParts

CONCENTRATION: Final = Slice[ScoringWorkerParts](routers=[concentration])
