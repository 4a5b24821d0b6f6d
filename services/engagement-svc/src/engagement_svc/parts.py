"""What engagement-svc is built from: made in `main.py` and `worker.py`, read by routes from the call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.call import Call
from guanxi_common.http.settings import ServiceParts

from engagement_svc.standards import Standards

GiveWay = Callable[[UnitOfWork, Sequence[UUID], datetime], Awaitable[object]]
"""Cancels reservations that give way to a contact, with what their owners planned on them; in the caller's transaction."""


@dataclass(frozen=True, kw_only=True)
class EngagementParts(ServiceParts):
    standards: Standards
    give_way: GiveWay


def parts_of(call: Call) -> EngagementParts:
    return cast("EngagementParts", call.parts)
