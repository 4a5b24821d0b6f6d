"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.messaging.runner import Subscription
from guanxi_common.recovery.rebuilds import waiting_for_rebuilds
from guanxi_common.security.directory.consumers import CUSTOMER_BOOK, directory_handlers
from guanxi_common.slices import Slice

from engagement_svc.customers.consumers import FACETS
from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.tasks import service
from engagement_svc.tasks.consumers import (
    STAFF_SNAPSHOT,
    tasks_end_with_the_erased,
    tasks_follow_staff,
    tasks_follow_the_book,
)
from engagement_svc.tasks.jobs import FollowTheBook
from engagement_svc.tasks.routes import read_task, read_worklist, tasks


def _subscriptions(parts: EngagementWorkerParts) -> list[Subscription]:
    replicate_staff = directory_handlers(parts.issuer)[STAFF_SNAPSHOT]
    return [
        Subscription("directory.snapshots", {STAFF_SNAPSHOT: tasks_follow_staff(replicate_staff, parts.clock)}),
        Subscription("customer.books", {CUSTOMER_BOOK: tasks_follow_the_book(parts.clock)}),
    ]


def _before_the_replica(parts: EngagementWorkerParts) -> list[Subscription]:
    handle = tasks_end_with_the_erased(parts.clock)
    return [Subscription(topic, {type_: handle}) for topic, type_ in FACETS.items()]


def _jobs(parts: EngagementWorkerParts) -> list[Job]:
    breach = parts.job("breach-overdue-tasks", 1.0, lambda work: service.breach_overdue_tasks(work, parts.patience))
    return [
        waiting_for_rebuilds(breach),
        parts.job("show-snoozed-tasks", 1.0, service.show_snoozed_tasks),
        waiting_for_rebuilds(parts.job("follow-the-book", 1.0, FollowTheBook())),
    ]


TASKS: Final = Slice(routers=[tasks], hot_routes=[read_worklist, read_task], subscriptions=_subscriptions, jobs=_jobs)
TASKS_OF_THE_ERASED: Final = Slice(subscriptions=_before_the_replica)
"""What stands before the replica of customers, which deletes the tasks of the erased."""
