"""The worker process: relay, consumers and jobs of scoring-svc."""

import asyncio

from guanxi_common import telemetry
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock, SystemClock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import Job, waking
from guanxi_common.messaging.runner import RunnerSettings, Subscription
from guanxi_common.process import open_database, run_worker
from guanxi_common.security.directory.consumers import CUSTOMER_SNAPSHOT, apply_books, directory_handlers

from scoring_svc.contacts.consumers import INTERACTION_RECORDED, PLAN_REVIEWED, take_up_contacts
from scoring_svc.contacts.policy import ContactStandard
from scoring_svc.features.consumers import COMPLAINT_OPENED, COMPLAINT_RESOLVED, SURVEY_ANSWERED, take_up_facts
from scoring_svc.ledger.consumers import POSTED, REVERSED, fold_transactions
from scoring_svc.models.drift import measure_drift
from scoring_svc.models.trainer import do_next_training
from scoring_svc.parts import load_method
from scoring_svc.runs import service as runs
from scoring_svc.scores.checks import check_scores
from scoring_svc.scores.service import Method, queue_settled_customers, score_dirty_customers
from scoring_svc.settings import ScoringSettings
from scoring_svc.standards import load_standards

READING = RunnerSettings(max_records=5_000)
"""Every handler here takes a batch in a few statements, and the more of a customer's day come together, the fewer rows are written."""


async def main() -> None:
    settings = ScoringSettings()
    telemetry.configure(settings.service, "worker")
    clock = SystemClock()
    method = load_method(BusinessCalendar(zone=settings.business_zone))
    scorer = asyncio.Event()
    await run_worker(
        settings,
        open_database(settings, "worker"),
        clock,
        subscriptions(settings, method, clock, scorer),
        jobs(method, clock, scorer),
        reading=READING,
    )


def subscriptions(settings: ScoringSettings, method: Method, clock: Clock, scorer: asyncio.Event) -> list[Subscription]:
    """`scorer` is set when customers have become dirty."""
    fold = waking(fold_transactions(method.classes, clock), scorer)
    contacts = waking(take_up_contacts(load_standards(ContactStandard, "contacts")[-1], clock), scorer)
    facts = waking(take_up_facts(clock), scorer)
    return [
        Subscription("directory.snapshots", directory_handlers(settings.issuer)),
        Subscription("customer.snapshots", {CUSTOMER_SNAPSHOT: apply_books}),
        Subscription("bank.transactions", {POSTED: fold, REVERSED: fold}, dedupe="handler", parsed_by="handler"),
        Subscription(
            "engagement.activities",
            {INTERACTION_RECORDED: contacts, COMPLAINT_OPENED: facts, COMPLAINT_RESOLVED: facts, SURVEY_ANSWERED: facts},
        ),
        Subscription("engagement.plans", {PLAN_REVIEWED: contacts}),
    ]


def jobs(method: Method, clock: Clock, scorer: asyncio.Event) -> list[Job]:
    async def score_dirty(uow: UnitOfWork) -> int:
        return await score_dirty_customers(uow, method, clock.now())

    async def queue_settled(uow: UnitOfWork) -> int:
        return await queue_settled_customers(uow, method, clock.now())

    async def do_runs(uow: UnitOfWork) -> int:
        return int(await runs.do_next_run(uow, method, clock.now()))

    async def do_trainings(uow: UnitOfWork) -> int:
        return int(await do_next_training(uow, method, clock.now()))

    async def check(uow: UnitOfWork) -> int:
        await check_scores(uow, method, clock.now())
        return 0

    async def drift(uow: UnitOfWork) -> int:
        await measure_drift(uow, method, clock.now())
        return 0

    return [
        Job("score-dirty-customers", 0.5, score_dirty, scorer),
        Job("queue-settled-customers", 5.0, queue_settled),
        Job("do-score-runs", 1.0, do_runs),
        Job("do-model-trainings", 1.0, do_trainings),
        Job("check-scores", 300.0, check),
        Job("measure-drift", 300.0, drift),
    ]
