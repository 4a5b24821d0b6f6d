"""The worker process: relay, consumers and jobs of engagement-svc."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from guanxi_common import telemetry
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock, SystemClock
from guanxi_common.db.migrate import head_revision
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.digests.comparing import DIGEST_TAKEN, comparison_job, keep_digests
from guanxi_common.erasure.consumers import ListedErasures, without_the_erased
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.jobs import Job
from guanxi_common.keys.store import KeyStore
from guanxi_common.keys.watch import KeyWatch
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Handler, Subscription
from guanxi_common.process import open_database, run_worker, watch_erasures
from guanxi_common.recovery.rebuilds import Replica, waiting_for_rebuilds
from guanxi_common.recovery.republication import republication_job
from guanxi_common.security.build import build_key_store
from guanxi_common.security.directory.consumers import BOOK_KEYS, CUSTOMER_SNAPSHOT, DIRECTORY_KEYS, directory_handlers
from guanxi_common.set_aside import Patience
from guanxi_common.standards.consumers import STANDARD_KEYS, STANDARD_SNAPSHOT, apply_standards

from engagement_svc.actions import service as actions
from engagement_svc.actions.consumers import ACTION_RECOMMENDED, ACTION_WITHDRAWN, follow_withdrawals, take_up_actions
from engagement_svc.customers.consumers import replicate_customers
from engagement_svc.digested import DIGESTED
from engagement_svc.personal_data import PERSONAL_DATA
from engagement_svc.plans import service as plans
from engagement_svc.settings import EngagementSettings
from engagement_svc.standards import Standards, load_standards
from engagement_svc.tasks import following
from engagement_svc.tasks import service as task_service
from engagement_svc.tasks.consumers import (
    STAFF_SNAPSHOT,
    erasing_with_tasks,
    tasks_end_with_the_erased,
    tasks_follow_staff,
    tasks_follow_the_book,
)

BOOK_OVERLAP = timedelta(minutes=10)
"""Longer than any transaction: an interval stored while a task was being opened is looked at again."""


async def main() -> None:
    settings = EngagementSettings()
    telemetry.configure(settings.service, "worker")
    clock = SystemClock()
    calendar = BusinessCalendar(zone=settings.business_zone)
    standards = load_standards()
    keys = build_key_store(settings, clock)
    database = open_database(settings, "worker")
    try:
        await run_worker(
            settings,
            database,
            clock,
            subscriptions(settings, standards, calendar, keys, clock),
            jobs(standards, calendar, clock, settings.patience),
            needed_revision=head_revision("engagement_svc"),
            steps={
                "keys": KeyWatch(keys).check,
                "erasures": watch_erasures(settings, database, erasing_with_tasks(PERSONAL_DATA), clock).check,
            },
            replicas=replicas(clock),
        )
    finally:
        await keys.close()


def subscriptions(
    settings: EngagementSettings, standards: Standards, calendar: BusinessCalendar, keys: KeyStore, clock: Clock
) -> list[Subscription]:
    take_up = take_up_actions(standards, calendar, clock)
    of_customers = [
        Subscription("customer.snapshots", {CUSTOMER_SNAPSHOT: customer_handler(keys, clock)}),
        Subscription("scoring.actions", {ACTION_RECOMMENDED: take_up, ACTION_WITHDRAWN: take_up}),
    ]
    of_directory = {**directory_handlers(settings.issuer), STANDARD_SNAPSHOT: apply_standards}
    of_staff = {STAFF_SNAPSHOT: tasks_follow_staff(of_directory[STAFF_SNAPSHOT], clock)}
    of_all = [
        Subscription("directory.snapshots", {**of_directory, **of_staff}),
        Subscription("customer.digests", {DIGEST_TAKEN: keep_digests(DIGESTED)}),
    ]
    listed = ListedErasures(FileErasureList(settings.erasure_file))
    return [*of_all, *(without_the_erased(one, listed) for one in of_customers)]


def customer_handler(keys: KeyStore, clock: Clock) -> Handler:
    """The replica of customers, and what follows from it."""
    steps = (
        tasks_end_with_the_erased(clock),
        replicate_customers(keys, clock),
        tasks_follow_the_book(clock),
        follow_withdrawals(clock),
    )

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        for step in steps:
            await step(uow, events)

    return handle


def replicas(clock: Clock) -> list[Replica]:
    """What a rebuild makes anew. Tasks, interactions and plans come from backups, and commands are not read twice."""

    async def follow_the_book(uow: UnitOfWork, _cursor: str | None) -> None:
        await following.follow_the_book_since(uow, clock.now(), datetime.min.replace(tzinfo=UTC))

    commands = ("scoring.actions",)  # an action is refused where consent or responsible person are not known
    return [
        Replica("directory.snapshots", {**DIRECTORY_KEYS, **STANDARD_KEYS}, follow_the_book, holds=commands),
        Replica("customer.snapshots", {"customer": "kept.customer_id::text", **BOOK_KEYS}, follow_the_book, holds=commands),
    ]


def jobs(standards: Standards, calendar: BusinessCalendar, clock: Clock, patience: Patience) -> list[Job]:
    async def breach_overdue(uow: UnitOfWork) -> int:
        return await task_service.breach_overdue_tasks(uow, clock.now(), patience)

    async def show_snoozed(uow: UnitOfWork) -> int:
        return await task_service.show_snoozed_tasks(uow, clock.now())

    followed_until = datetime.min.replace(tzinfo=UTC)

    async def follow_the_book(uow: UnitOfWork) -> int:
        """Everything at the start, then what the clock has made effective."""
        now = clock.now()
        moved = await following.follow_the_book_since(uow, now, followed_until)

        async def advance() -> None:
            nonlocal followed_until
            followed_until = now - BOOK_OVERLAP

        uow.after_commit(advance)
        return moved

    async def open_reviews(uow: UnitOfWork) -> int:
        return await plans.open_review_tasks(uow, standards, calendar, clock.now(), patience)

    async def expire_offers(uow: UnitOfWork) -> int:
        now = clock.now()
        return await actions.expire_actions(uow, standards, calendar.local_date(now), now, patience)

    async def expire_reservations(uow: UnitOfWork) -> int:
        now = clock.now()
        return await actions.expire_reservations(uow, calendar.local_date(now), now, patience)

    return [
        waiting_for_rebuilds(comparison_job(EngagementSettings.service, DIGESTED, clock)),
        waiting_for_rebuilds(Job("breach-overdue-tasks", 1.0, breach_overdue)),
        Job("show-snoozed-tasks", 1.0, show_snoozed),
        waiting_for_rebuilds(Job("follow-the-book", 1.0, follow_the_book)),
        Job("expire-offers", 60.0, expire_offers),
        waiting_for_rebuilds(Job("open-plan-reviews", 60.0, open_reviews)),
        Job("expire-reservations", 60.0, expire_reservations),
        republication_job([]),
    ]
