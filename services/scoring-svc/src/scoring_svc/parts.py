"""What scoring-svc is built from: made in `main.py` and `worker.py`, read by routes from the call."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from guanxi_common.db.uow import Database
from guanxi_common.erasure.records import ErasureList
from guanxi_common.http.call import Call
from guanxi_common.http.settings import ServiceParts
from guanxi_common.jobs import WorkerParts
from guanxi_common.keys.store import KeyStore
from guanxi_common.standards.refreshing import read_at_start

from scoring_svc.method import Method, Methods


@dataclass(frozen=True, kw_only=True)
class ScoringParts(ServiceParts):
    """`methods.register` is kept up to date by the part `refreshing`, which stands in `background`."""

    methods: Methods

    @property
    def method(self) -> Method:
        """That of this moment. A call takes it once."""
        return self.methods.at(self.clock.now())

    async def open(self) -> None:
        await read_at_start(self.database, self.methods.register, self.clock)
        await super().open()


@dataclass(frozen=True, kw_only=True)
class ScoringWorkerParts(WorkerParts):
    """What consumers and jobs of scoring-svc are built from. `issuer` is that of the staff; `database` is for the progress of a run.

    `scorer` is set when customers wait to be scored, `planning` when they wait to be planned for.
    """

    methods: Methods
    keys: KeyStore
    issuer: str
    erasures: ErasureList
    database: Database
    scorer: asyncio.Event = field(default_factory=asyncio.Event, compare=False)
    planning: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    @property
    def method(self) -> Method:
        """That of this moment. A job or a batch takes it once."""
        return self.methods.at(self.clock.now())


def parts_of(call: Call) -> ScoringParts:
    return cast("ScoringParts", call.parts)
