"""The worker process: relay, consumers and jobs of scoring-svc."""

from functools import partial

from guanxi_common import telemetry
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock, SystemClock
from guanxi_common.db.migrate import head_revision
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.digests.comparing import DIGEST_TAKEN, comparison_job, keep_digests
from guanxi_common.erasure.consumers import ListedErasures, without_the_erased
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.erasure.replay import erasing
from guanxi_common.jobs import Job
from guanxi_common.keys.store import KeyStore
from guanxi_common.keys.watch import KeyWatch
from guanxi_common.messaging.runner import RunnerSettings, Subscription
from guanxi_common.process import Workload, open_database, run_worker, watch_erasures
from guanxi_common.recovery.rebuilds import Replica, waiting_for_rebuilds
from guanxi_common.recovery.republication import republication_job
from guanxi_common.security.build import build_key_store
from guanxi_common.security.directory.consumers import BOOK_KEYS, DIRECTORY_KEYS, directory_handlers
from guanxi_common.slices import joined
from guanxi_common.standards.consumers import STANDARD_KEYS, STANDARD_SNAPSHOT, apply_standards
from guanxi_common.standards.refreshing import read_once, refresh_job

from scoring_svc.customers.consumers import AGREEMENTS, CLASSIFICATIONS, FILES
from scoring_svc.digests import service as digests
from scoring_svc.digests.service import DIGESTED
from scoring_svc.ledger.recount import recount_days
from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.personal_data import PERSONAL_DATA
from scoring_svc.settings import ScoringSettings
from scoring_svc.shipped import load_methods
from scoring_svc.slices import SLICES

OF_ALL = ("directory.snapshots", "customer.digests")
"""Their keys are no customers."""

READING = RunnerSettings(max_records=5_000)
"""Every handler here takes a batch in a few statements, and the more of a customer's day come together, the fewer rows are written."""


async def main() -> None:
    settings = ScoringSettings()
    telemetry.configure(settings.service, "worker")
    clock = SystemClock()
    keys = build_key_store(settings, clock)
    try:
        database = open_database(settings, "worker")
        parts = build_parts(settings, database, clock, keys)
        workload = Workload(
            needed_revision=head_revision("scoring_svc"),
            subscriptions=subscriptions(parts),
            jobs=jobs(parts),
            steps={
                "keys": KeyWatch(keys).check,
                "standards": partial(read_once, database, parts.methods.register, clock),
                "erasures": watch_erasures(settings, database, erasing(PERSONAL_DATA), clock).check,
            },
            replicas=replicas(clock),
            reading=READING,
        )
        await run_worker(settings, database, clock, workload)
    finally:
        await keys.close()


def build_parts(settings: ScoringSettings, database: Database, clock: Clock, keys: KeyStore) -> ScoringWorkerParts:
    calendar = BusinessCalendar(zone=settings.business_zone)
    return ScoringWorkerParts(
        clock=clock,
        calendar=calendar,
        patience=settings.patience,
        methods=load_methods(calendar),
        keys=keys,
        issuer=settings.issuer,
        erasures=FileErasureList(settings.erasure_file),
        database=database,
    )


def subscriptions(parts: ScoringWorkerParts) -> list[Subscription]:
    common = [
        Subscription("directory.snapshots", {**directory_handlers(parts.issuer), STANDARD_SNAPSHOT: apply_standards}),
        Subscription("customer.digests", {DIGEST_TAKEN: keep_digests(DIGESTED)}),
    ]
    listed = ListedErasures(parts.erasures)
    return [
        one if one.topic in OF_ALL else without_the_erased(one, listed) for one in joined([*common, *SLICES.subscriptions(parts)])
    ]


def replicas(clock: Clock) -> list[Replica]:
    """What a rebuild makes anew. Scores follow from it; models and actions come from backups."""

    async def recount(uow: UnitOfWork, cursor: str | None) -> str | None:
        return await recount_days(uow, cursor, clock.now())

    return [
        Replica("directory.snapshots", {**DIRECTORY_KEYS, **STANDARD_KEYS, "product": "'product:' || kept.code"}),
        FILES.rebuilt(),
        AGREEMENTS.rebuilt(),
        CLASSIFICATIONS.rebuilt(),
        Replica("customer.books", BOOK_KEYS),
        Replica("bank.transactions", settle=recount),
        Replica("bank.accounts"),
        Replica("engagement.activities"),
        Replica("engagement.plans"),
    ]


def jobs(parts: ScoringWorkerParts) -> list[Job]:
    return [
        waiting_for_rebuilds(comparison_job(ScoringSettings.service, DIGESTED, parts.clock, digests.tell)),
        refresh_job(parts.methods.register, parts.clock),
        *SLICES.jobs(parts),
        republication_job([]),
    ]
