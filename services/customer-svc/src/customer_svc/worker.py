"""The worker process: relay, consumers and jobs of customer-svc."""

from guanxi_common import telemetry
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock, SystemClock
from guanxi_common.db.migrate import head_revision
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import Job
from guanxi_common.keys.store import KeyStore
from guanxi_common.keys.watch import KeyWatch
from guanxi_common.messaging.runner import Subscription
from guanxi_common.process import open_database, run_worker, watch_erasures
from guanxi_common.recovery import republication
from guanxi_common.recovery.rebuilds import Replica
from guanxi_common.recovery.republication import Batch, SnapshotSource, republication_job
from guanxi_common.security.build import build_key_store, build_signer
from guanxi_common.set_aside import Patience

from customer_svc.accounts.consumers import take_in_accounts
from customer_svc.customers import service as customers
from customer_svc.customers.changes import publish_anew, publish_failed
from customer_svc.digests.consumers import DIGEST_COMPARED, keep_comparisons
from customer_svc.digests.service import taking
from customer_svc.directory import service as directory
from customer_svc.directory.events import ClientSnapshot, OutletSnapshot, RoleSnapshot, StaffSnapshot
from customer_svc.erasures.service import completing
from customer_svc.products import service as products
from customer_svc.products.events import ProductSnapshot
from customer_svc.proposals.jobs import watch_directory
from customer_svc.settings import CustomerSettings
from customer_svc.snapshots.events import CustomerSnapshot
from customer_svc.standards import load_standards
from customer_svc.tiers.policy import TierStandard
from customer_svc.tiers.service import review_due
from customer_svc.transactions.consumers import take_in_transactions


async def main() -> None:
    settings = CustomerSettings()
    telemetry.configure(settings.service, "worker")
    clock = SystemClock()
    database = open_database(settings, "worker")

    async def prepare_directory() -> None:
        async with database.transaction() as uow:
            await directory.prepare_directory(uow, settings.issuer, settings.founder_roles, clock.now())
            await uow.commit()

    async def publish_under_this_key() -> None:
        """Once for each key: what is signed by a former one, or by none, is superseded before that key goes."""
        if signer := build_signer(settings):
            async with database.transaction() as uow:
                await republication.request(uow, f"signed by {signer.key_id}")
                await uow.commit()

    calendar = BusinessCalendar(zone=settings.business_zone)
    keys = build_key_store(settings, clock)
    try:
        await run_worker(
            settings,
            database,
            clock,
            subscriptions(calendar, clock),
            jobs(calendar, keys, clock, settings.patience),
            needed_revision=head_revision("customer_svc"),
            steps={
                "keys": KeyWatch(keys).check,
                "directory": prepare_directory,
                "signatures": publish_under_this_key,
                "erasures": watch_erasures(settings, database, completing(keys), clock).check,
            },
            taking=taking(calendar, clock, few_partitions=settings.few_partitions),
        )
    finally:
        await keys.close()


def subscriptions(calendar: BusinessCalendar, clock: Clock) -> list[Subscription]:
    return [
        Subscription("scoring.digests", {DIGEST_COMPARED: keep_comparisons}),
        Subscription("bank.inbound.accounts", {"guanxi.account.reported.v1": take_in_accounts(calendar, clock)}),
        Subscription(
            "bank.inbound.transactions",
            {"guanxi.transaction.reported.v1": take_in_transactions(calendar, clock)},
            dedupe="handler",
        ),
    ]


def replicas(_clock: Clock) -> list[Replica]:
    """customer-svc keeps nothing of others: what it takes in is its own from then on."""
    return []


def jobs(calendar: BusinessCalendar, keys: KeyStore, clock: Clock, patience: Patience) -> list[Job]:
    standard = load_standards()[TierStandard]

    async def publish_products(uow: UnitOfWork) -> int:
        now = clock.now()
        return await products.publish_due(uow, calendar.local_date(now), now, patience)

    async def review_tiers(uow: UnitOfWork) -> int:
        return await review_due(uow, keys, calendar, standard, clock.now(), patience)

    async def index_names(uow: UnitOfWork) -> int:
        return await customers.index_names(uow, clock.now(), patience)

    async def publish_again(uow: UnitOfWork) -> int:
        return await publish_failed(uow, keys, clock.now(), patience)

    return [
        Job("publish-products", 60.0, publish_products),
        Job("review-tiers", 1.0, review_tiers),
        Job("index-names", 60.0, index_names),
        Job("watch-directory", 30.0, watch_directory(clock)),
        republication_job(snapshot_sources(keys, clock)),
        Job("publish-failed-snapshots", 30.0, publish_again),
    ]


def snapshot_sources(keys: KeyStore, clock: Clock) -> list[SnapshotSource]:
    """All that customer-svc publishes on compacted topics. The directory first: it decides who may see the rest."""

    async def publish_customers(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
        return await publish_anew(uow, keys, after, limit, clock.now())

    return [
        SnapshotSource(RoleSnapshot.event_type, directory.publish_roles_anew),
        SnapshotSource(OutletSnapshot.event_type, directory.publish_outlets_anew),
        SnapshotSource(StaffSnapshot.event_type, directory.publish_staff_anew),
        SnapshotSource(ClientSnapshot.event_type, directory.publish_clients_anew),
        SnapshotSource(ProductSnapshot.event_type, products.publish_anew),
        SnapshotSource(CustomerSnapshot.event_type, publish_customers),
    ]
