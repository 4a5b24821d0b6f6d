"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.related_sales.routes import related_sales

RELATED_SALES: Final = Slice[ScoringWorkerParts](routers=[related_sales])
