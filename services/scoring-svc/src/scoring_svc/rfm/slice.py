"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.rfm.routes import rfm

RFM: Final = Slice[ScoringWorkerParts](routers=[rfm])
