"""The worker process: relay, consumers and jobs of scoring-svc."""

import asyncio

from guanxi_common import telemetry
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock, SystemClock
from guanxi_common.db.migrate import head_revision
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.digests.comparing import DIGEST_TAKEN, comparison_job, keep_digests
from guanxi_common.erasure.consumers import ListedErasures, without_the_erased
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.erasure.replay import erasing
from guanxi_common.jobs import Job, waking
from guanxi_common.keys.store import KeyStore
from guanxi_common.keys.watch import KeyWatch
from guanxi_common.messaging.runner import RunnerSettings, Subscription
from guanxi_common.parts import LONG_SECONDS
from guanxi_common.process import Workload, open_database, run_worker, watch_erasures
from guanxi_common.recovery.rebuilds import Replica, waiting_for_rebuilds
from guanxi_common.recovery.republication import republication_job
from guanxi_common.security.build import build_key_store
from guanxi_common.security.directory.consumers import BOOK_KEYS, CUSTOMER_SNAPSHOT, DIRECTORY_KEYS, directory_handlers
from guanxi_common.set_aside import USUAL, Patience
from guanxi_common.standards.consumers import STANDARD_KEYS, STANDARD_SNAPSHOT, apply_standards

from scoring_svc.actions import planner
from scoring_svc.actions.consumers import ACTION_ACCEPTED, ACTION_CONCLUDED, ACTION_DECLINED, take_up_answers
from scoring_svc.customers.consumers import replicate_customers
from scoring_svc.digests import service as digests
from scoring_svc.digests.service import DIGESTED
from scoring_svc.engagements.consumers import (
    COMPLAINT_OPENED,
    COMPLAINT_RESOLVED,
    INTERACTION_RECORDED,
    PLAN_REVIEWED,
    SURVEY_ANSWERED,
    take_up_contacts,
    take_up_facts,
)
from scoring_svc.engagements.policy import ContactStandard
from scoring_svc.holdings.consumers import TYPES as ACCOUNT_TYPES
from scoring_svc.holdings.consumers import take_up_accounts
from scoring_svc.ledger.consumers import POSTED, REVERSED, fold_transactions
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.ledger.recount import recount_days
from scoring_svc.method import Method
from scoring_svc.personal_data import PERSONAL_DATA
from scoring_svc.products.consumers import PRODUCT_SNAPSHOT, replicate_products
from scoring_svc.runs import service as runs
from scoring_svc.scorer.checks import check_scores
from scoring_svc.scorer.service import queue_due_postings, queue_settled_customers, score_dirty_customers
from scoring_svc.settings import ScoringSettings
from scoring_svc.shipped import load_method
from scoring_svc.standards import load_standards
from scoring_svc.trainings.drift import measure_drift
from scoring_svc.trainings.jobs import do_next_training

READING = RunnerSettings(max_records=5_000)
"""Every handler here takes a batch in a few statements, and the more of a customer's day come together, the fewer rows are written."""


async def main() -> None:
    settings = ScoringSettings()
    telemetry.configure(settings.service, "worker")
    clock = SystemClock()
    method = load_method(BusinessCalendar(zone=settings.business_zone))
    scorer, planning = asyncio.Event(), asyncio.Event()
    keys = build_key_store(settings, clock)
    try:
        database = open_database(settings, "worker")
        workload = Workload(
            needed_revision=head_revision("scoring_svc"),
            subscriptions=subscriptions(settings, method, clock, keys, scorer, planning),
            jobs=jobs(database, method, clock, scorer, planning, settings.patience),
            steps={
                "keys": KeyWatch(keys).check,
                "erasures": watch_erasures(settings, database, erasing(PERSONAL_DATA), clock).check,
            },
            replicas=replicas(clock),
            reading=READING,
        )
        await run_worker(settings, database, clock, workload)
    finally:
        await keys.close()


def subscriptions(
    settings: ScoringSettings, method: Method, clock: Clock, keys: KeyStore, scorer: asyncio.Event, planning: asyncio.Event
) -> list[Subscription]:
    """`scorer` is set when customers have become dirty, `planning` when it is to be looked what to do for them."""
    fold = waking(fold_transactions(method[ActivityClasses], method.calendar, clock), scorer)
    contacts = waking(take_up_contacts(load_standards(ContactStandard, "engagements")[-1], clock), scorer)
    facts = waking(take_up_facts(clock), scorer)
    customers = waking(replicate_customers(keys, method.calendar, clock), planning)
    accounts = waking(take_up_accounts(clock), planning)
    answers = waking(take_up_answers(clock), planning)
    of_customers = [
        Subscription("customer.snapshots", {CUSTOMER_SNAPSHOT: customers}),
        Subscription("bank.transactions", {POSTED: fold, REVERSED: fold}, dedupe="handler", parsed_by="handler"),
        Subscription("bank.accounts", dict.fromkeys(ACCOUNT_TYPES, accounts)),
        Subscription(
            "engagement.activities",
            {
                INTERACTION_RECORDED: contacts,
                **dict.fromkeys((COMPLAINT_OPENED, COMPLAINT_RESOLVED, SURVEY_ANSWERED), facts),
                **dict.fromkeys((ACTION_ACCEPTED, ACTION_DECLINED, ACTION_CONCLUDED), answers),
            },
        ),
        Subscription("engagement.plans", {PLAN_REVIEWED: contacts}),
    ]
    of_directory = {
        **directory_handlers(settings.issuer),
        PRODUCT_SNAPSHOT: replicate_products,
        STANDARD_SNAPSHOT: apply_standards,
    }
    of_all = Subscription("directory.snapshots", of_directory)
    told = Subscription("customer.digests", {DIGEST_TAKEN: keep_digests(DIGESTED)})
    listed = ListedErasures(FileErasureList(settings.erasure_file))
    return [of_all, told, *(without_the_erased(one, listed) for one in of_customers)]


def replicas(clock: Clock) -> list[Replica]:
    """What a rebuild makes anew. Scores follow from it; models and actions come from backups."""

    async def recount(uow: UnitOfWork, cursor: str | None) -> str | None:
        return await recount_days(uow, cursor, clock.now())

    return [
        Replica("directory.snapshots", {**DIRECTORY_KEYS, **STANDARD_KEYS, "product": "'product:' || kept.code"}),
        Replica("customer.snapshots", {"customer_facts": "kept.customer_id::text", **BOOK_KEYS}),
        Replica("bank.transactions", settle=recount),
        Replica("bank.accounts"),
        Replica("engagement.activities"),
        Replica("engagement.plans"),
    ]


def jobs(
    database: Database,
    method: Method,
    clock: Clock,
    scorer: asyncio.Event,
    planning: asyncio.Event,
    patience: Patience = USUAL,
) -> list[Job]:
    async def score_dirty(uow: UnitOfWork) -> int:
        return await score_dirty_customers(uow, method, clock.now(), patience)

    async def queue_settled(uow: UnitOfWork) -> int:
        return await queue_settled_customers(uow, method, clock.now())

    async def queue_due(uow: UnitOfWork) -> int:
        return await queue_due_postings(uow, method, clock.now())

    async def do_runs(uow: UnitOfWork) -> int:
        return int(await runs.work_on_run(uow, database, method, clock.now()))

    async def do_trainings(uow: UnitOfWork) -> int:
        return int(await do_next_training(uow, method, clock.now(), patience))

    async def check(uow: UnitOfWork) -> int:
        await check_scores(uow, method, clock.now())
        return 0

    async def drift(uow: UnitOfWork) -> int:
        await measure_drift(uow, method, clock.now(), patience)
        return 0

    async def plan_due(uow: UnitOfWork) -> int:
        return await planner.plan_due_customers(uow, method, clock.now(), patience)

    async def queue_the_day(uow: UnitOfWork) -> int:
        return await planner.queue_the_day(uow, method, clock.now())

    return [
        waiting_for_rebuilds(comparison_job(ScoringSettings.service, DIGESTED, clock, digests.tell)),
        waiting_for_rebuilds(Job("score-dirty-customers", 0.5, score_dirty, scorer)),
        Job("queue-settled-customers", 5.0, queue_settled),
        Job("queue-due-postings", 5.0, queue_due),
        waiting_for_rebuilds(Job("plan-due-customers", 0.5, plan_due, planning)),
        Job("queue-the-day", 60.0, queue_the_day),
        waiting_for_rebuilds(Job("do-score-runs", 1.0, do_runs, deadline=LONG_SECONDS)),
        Job("do-model-trainings", 1.0, do_trainings, deadline=LONG_SECONDS),
        Job("check-scores", 300.0, check),
        Job("measure-drift", 300.0, drift),
        republication_job([]),
    ]
