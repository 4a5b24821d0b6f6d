"""The worker process: relay, consumers and jobs of engagement-svc."""

from datetime import UTC, datetime
from functools import partial

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
from guanxi_common.messaging.runner import Subscription
from guanxi_common.process import Workload, open_database, run_worker, watch_erasures
from guanxi_common.recovery.rebuilds import Replica, waiting_for_rebuilds
from guanxi_common.recovery.republication import republication_job
from guanxi_common.security.build import build_key_store
from guanxi_common.security.directory.consumers import BOOK_KEYS, DIRECTORY_KEYS, directory_handlers
from guanxi_common.slices import joined
from guanxi_common.standards import Register
from guanxi_common.standards.consumers import STANDARD_KEYS, STANDARD_SNAPSHOT, apply_standards
from guanxi_common.standards.refreshing import read_once, refresh_job

from engagement_svc.customers.consumers import AGREEMENTS, FACETS, FILES
from engagement_svc.digested import DIGESTED
from engagement_svc.kinds import KINDS
from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.personal_data import PERSONAL_DATA
from engagement_svc.settings import EngagementSettings
from engagement_svc.slices import SLICES
from engagement_svc.tasks import following
from engagement_svc.tasks.consumers import STAFF_SNAPSHOT, erasing_with_tasks

KEYED_BY_CUSTOMER = (*FACETS, "scoring.actions")


async def main() -> None:
    settings = EngagementSettings()
    telemetry.configure(settings.service, "worker")
    clock = SystemClock()
    keys = build_key_store(settings, clock)
    database = open_database(settings, "worker")
    parts = build_parts(settings, clock, keys)
    try:
        workload = Workload(
            needed_revision=head_revision("engagement_svc"),
            subscriptions=subscriptions(parts),
            jobs=jobs(parts),
            steps={
                "keys": KeyWatch(keys).check,
                "standards": partial(read_once, database, parts.register, clock),
                "erasures": watch_erasures(settings, database, erasing_with_tasks(PERSONAL_DATA), clock).check,
            },
            replicas=replicas(clock),
        )
        await run_worker(settings, database, clock, workload)
    finally:
        await keys.close()


def build_parts(settings: EngagementSettings, clock: Clock, keys: KeyStore) -> EngagementWorkerParts:
    calendar = BusinessCalendar(zone=settings.business_zone)
    return EngagementWorkerParts(
        clock=clock,
        calendar=calendar,
        patience=settings.patience,
        keys=keys,
        register=Register(KINDS, calendar),
        issuer=settings.issuer,
        erasures=FileErasureList(settings.erasure_file),
    )


def subscriptions(parts: EngagementWorkerParts) -> list[Subscription]:
    of_directory = {**directory_handlers(parts.issuer), STANDARD_SNAPSHOT: apply_standards}
    del of_directory[STAFF_SNAPSHOT]  # the slice of tasks replicates staff: their tasks follow in the same transaction
    common = [
        Subscription("directory.snapshots", of_directory),
        Subscription("customer.digests", {DIGEST_TAKEN: keep_digests(DIGESTED)}),
    ]
    listed = ListedErasures(parts.erasures)
    return [
        without_the_erased(one, listed) if one.topic in KEYED_BY_CUSTOMER else one
        for one in joined([*common, *SLICES.subscriptions(parts)])
    ]


def replicas(clock: Clock) -> list[Replica]:
    """What a rebuild makes anew. Tasks, interactions and plans come from backups, and commands are not read twice."""

    async def follow_the_book(uow: UnitOfWork, _cursor: str | None) -> None:
        await following.follow_the_book_since(uow, clock.now(), datetime.min.replace(tzinfo=UTC))

    commands = ("scoring.actions",)  # an action is refused where consent or responsible person are not known
    return [
        Replica("directory.snapshots", {**DIRECTORY_KEYS, **STANDARD_KEYS}, follow_the_book, holds=commands),
        FILES.rebuilt(),
        AGREEMENTS.rebuilt(holds=commands),
        Replica("customer.books", BOOK_KEYS, follow_the_book, holds=commands),
    ]


def jobs(parts: EngagementWorkerParts) -> list[Job]:
    return [
        waiting_for_rebuilds(comparison_job(EngagementSettings.service, DIGESTED, parts.clock)),
        refresh_job(parts.register, parts.clock),
        *SLICES.jobs(parts),
        republication_job([]),
    ]
