"""What engagement-svc is built from: made in `main.py` and `worker.py`, read by routes from the call."""

from dataclasses import dataclass
from typing import cast

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.http.call import Call
from guanxi_common.http.settings import ServiceParts

from engagement_svc.contact_budget.service import GiveWay
from engagement_svc.standards import Standards


@dataclass(frozen=True, kw_only=True)
class EngagementParts(ServiceParts):
    standards: Standards
    calendar: BusinessCalendar
    give_way: GiveWay


def parts_of(call: Call) -> EngagementParts:
    return cast("EngagementParts", call.parts)
