"""The parts of a service that goes by standards."""

from dataclasses import dataclass

from guanxi_common.http.settings import ServiceParts
from guanxi_common.jobs import WorkerParts
from guanxi_common.standards.refreshing import read_at_start
from guanxi_common.standards.register import Register, Standards


@dataclass(frozen=True, kw_only=True)
class StandardParts(ServiceParts):
    """`register` is kept up to date by the part `refreshing`, which stands in `background`."""

    register: Register

    @property
    def standards(self) -> Standards:
        """Those in force at this moment. A call takes them once."""
        return self.register.at(self.clock.now())

    async def open(self) -> None:
        await read_at_start(self.database, self.register, self.clock)
        await super().open()


@dataclass(frozen=True, kw_only=True)
class StandardWorkerParts(WorkerParts):
    """The same of a worker: a step of the start reads the versions, and a job keeps them up to date (`refreshing.refresh_job`)."""

    register: Register

    @property
    def standards(self) -> Standards:
        """Those in force at this moment. A job or a batch takes them once."""
        return self.register.at(self.clock.now())
