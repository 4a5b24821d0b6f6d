"""What an operator must hear of the directory, counted for the alerts."""

from datetime import timedelta

from guanxi_common.work import Work

from customer_svc.directory import repository as directory
from customer_svc.proposals.metrics import APPROVERS, CHANGES

_DAY = timedelta(days=1)


async def watch_directory(work: Work) -> int:
    """Set the gauges; changes nothing."""
    APPROVERS.set(await directory.count_approvers(work.uow))
    for how in ("proposed", "appointed"):
        CHANGES.labels(how).set(await directory.count_changes(work.uow, how, work.now - _DAY))
    return 0
