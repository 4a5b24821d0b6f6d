"""What an operator must hear of the directory, counted for the alerts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork

from customer_svc.directory import repository as directory
from customer_svc.proposals.metrics import APPROVERS, CHANGES

_DAY = timedelta(days=1)


def watch_directory(clock: Clock) -> Callable[[UnitOfWork], Awaitable[int]]:
    """Make the job that sets the gauges; it changes nothing."""

    async def watch(uow: UnitOfWork) -> int:
        APPROVERS.set(await directory.count_approvers(uow))
        for how in ("proposed", "appointed"):
            CHANGES.labels(how).set(await directory.count_changes(uow, how, clock.now() - _DAY))
        return 0

    return watch
