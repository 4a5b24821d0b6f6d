"""What scoring-svc is built from: made in `main.py` and `worker.py`, read by routes from the call."""

from dataclasses import dataclass
from typing import cast

from guanxi_common.http.call import Call
from guanxi_common.http.settings import ServiceParts

from scoring_svc.method import Method


@dataclass(frozen=True, kw_only=True)
class ScoringParts(ServiceParts):
    method: Method


def parts_of(call: Call) -> ScoringParts:
    return cast("ScoringParts", call.parts)
