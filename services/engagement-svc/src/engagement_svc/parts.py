"""What engagement-svc is built from: made in `main.py` and `worker.py`, read by routes from the call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from guanxi_common.erasure.records import ErasureList
from guanxi_common.http.call import Call
from guanxi_common.http.settings import ServiceParts
from guanxi_common.jobs import WorkerParts
from guanxi_common.keys.store import KeyStore
from guanxi_common.standards import Register
from guanxi_common.standards.refreshing import read_at_start
from guanxi_common.work import Work

from engagement_svc.rules import Rules
from engagement_svc.standards import Standards

GiveWay = Callable[[Work, Sequence[UUID]], Awaitable[object]]
"""Cancels reservations that give way to a contact, with what their owners planned on them; in the caller's transaction."""


@dataclass(frozen=True, kw_only=True)
class EngagementParts(ServiceParts):
    """`register` is kept up to date by the part `refreshing`, which stands in `background`."""

    register: Register
    give_way: GiveWay

    async def open(self) -> None:
        await read_at_start(self.database, self.register, self.clock)
        await super().open()

    @property
    def standards(self) -> Standards:
        """Those in force at this moment. A call takes them once."""
        return self.register.at(self.clock.now())[Standards]

    @property
    def rules(self) -> Rules:
        return Rules(self.standards, self.calendar)


@dataclass(frozen=True, kw_only=True)
class EngagementWorkerParts(WorkerParts):
    """What consumers and jobs of engagement-svc are built from. `issuer` is that of the staff."""

    keys: KeyStore
    register: Register
    issuer: str
    erasures: ErasureList

    @property
    def standards(self) -> Standards:
        """Those in force at this moment. A job or a batch takes them once."""
        return self.register.at(self.clock.now())[Standards]

    @property
    def rules(self) -> Rules:
        return Rules(self.standards, self.calendar)


def parts_of(call: Call) -> EngagementParts:
    return cast("EngagementParts", call.parts)
