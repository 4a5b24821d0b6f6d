"""The worker process: relay, consumers and jobs of customer-svc."""

from guanxi_common import telemetry
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock, SystemClock
from guanxi_common.db.migrate import head_revision
from guanxi_common.jobs import Job
from guanxi_common.keys.watch import KeyWatch
from guanxi_common.messaging.runner import Subscription
from guanxi_common.process import Workload, open_database, run_worker, watch_erasures
from guanxi_common.recovery import republication
from guanxi_common.recovery.rebuilds import Replica
from guanxi_common.recovery.republication import republication_job
from guanxi_common.security.build import build_key_store, build_signer
from guanxi_common.standards import Register
from guanxi_common.standards.refreshing import read_once

from customer_svc.digests.service import taking
from customer_svc.directory import service as directory
from customer_svc.erasures.service import completing
from customer_svc.kinds import KINDS
from customer_svc.parts import CustomerWorkerParts
from customer_svc.settings import CustomerSettings
from customer_svc.slices import SLICES
from customer_svc.standards import service as standards


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
    register = Register(KINDS, calendar)

    async def prepare_standards() -> None:
        async with database.transaction() as uow:
            await standards.adopt_packages(uow, calendar, clock.now())
            await uow.commit()
        await read_once(database, register, clock)

    keys = build_key_store(settings, clock)
    parts = CustomerWorkerParts(
        clock=clock,
        calendar=calendar,
        patience=settings.patience,
        keys=keys,
        register=register,
    )
    try:
        workload = Workload(
            needed_revision=head_revision("customer_svc"),
            subscriptions=subscriptions(parts),
            jobs=jobs(parts),
            steps={
                "keys": KeyWatch(keys).check,
                "directory": prepare_directory,
                "standards": prepare_standards,
                "signatures": publish_under_this_key,
                "erasures": watch_erasures(settings, database, completing(keys), clock).check,
            },
            taking=taking(parts.calendar, clock, few_partitions=settings.few_partitions),
        )
        await run_worker(settings, database, clock, workload)
    finally:
        await keys.close()


def subscriptions(parts: CustomerWorkerParts) -> list[Subscription]:
    return SLICES.subscriptions(parts)


def replicas(_clock: Clock) -> list[Replica]:
    """customer-svc keeps nothing of others: what it takes in is its own from then on."""
    return []


def jobs(parts: CustomerWorkerParts) -> list[Job]:
    return [*SLICES.jobs(parts), republication_job(SLICES.snapshots(parts))]
