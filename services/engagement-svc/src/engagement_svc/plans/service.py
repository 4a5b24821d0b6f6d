"""Agree plans, review them, and open the task when a review is due."""

from collections.abc import Sequence
from uuid import UUID

from guanxi_common.errors import NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.work import Work

from engagement_svc.customers.repository import customer_is_visible
from engagement_svc.plans import policy, repository
from engagement_svc.plans.errors import AgreedInTheFuture, ReviewOutOfOrder
from engagement_svc.plans.events import PlanAgreed, PlanReviewed
from engagement_svc.plans.repository import Plan, PlanReview
from engagement_svc.plans.schemas import PlanAgreement, PlanReviewRecord, ReviewOutcome
from engagement_svc.rules import Rules
from engagement_svc.tasks import service as tasks
from engagement_svc.tasks.policy import Deed
from engagement_svc.tasks.repository import Task
from engagement_svc.tasks.service import TaskRequest

REVIEW_BATCH = 200
_REVIEW_DUE = Text("The financial plan is due for review.", "理财规划到期回顾。")


async def agree_plan(work: Work, agreement: PlanAgreement) -> Plan:
    """Store a plan to which the customer has agreed; raises `NotFound`, `AgreedInTheFuture`."""
    if agreement.agreed_on > work.today:
        raise AgreedInTheFuture()
    if not await customer_is_visible(work.uow, work.scope, agreement.customer_id, work.now):
        raise NotFound()
    plan = Plan(
        id=new_id(),
        customer_id=agreement.customer_id,
        life_stage=agreement.life_stage,
        objective=agreement.objective,
        goals=[goal.model_dump(mode="json") for goal in agreement.goals],
        agreed_on=agreement.agreed_on,
        agreement_method=agreement.agreement_method,
        review_every_months=agreement.review_every_months,
        next_review_on=policy.add_months(agreement.agreed_on, agreement.review_every_months),
        review_task_opened=False,
        author_id=work.person,
        version=1,
        created_at=work.now,
    )
    await repository.insert_plan(work.uow, plan)
    agreed = PlanAgreed(
        plan_id=plan.id, customer_id=plan.customer_id, agreed_on=plan.agreed_on, next_review_on=plan.next_review_on
    )
    await outbox.append(work.uow, agreed)
    return plan


async def review_plan(work: Work, rules: Rules, plan_id: UUID, record: PlanReviewRecord) -> tuple[PlanReview, list[Task]]:
    """Record a review, end the tasks that it answers, tell *plan reviewed*; raises `NotFound`, `ReviewOutOfOrder`."""
    plan = await repository.read_plan(work.uow, work.scope, plan_id, work.now, lock=True)
    if plan is None:
        raise NotFound()
    reviewed_on = rules.calendar.local_date(record.reviewed_at)
    next_review_on = None
    if record.outcome is not ReviewOutcome.ENDED:
        next_review_on = record.next_review_on or policy.add_months(reviewed_on, plan.review_every_months)
    if not policy.review_fits(reviewed_on, agreed_on=plan.agreed_on, next_review_on=next_review_on, today=work.today):
        raise ReviewOutOfOrder()
    review = PlanReview(
        id=new_id(),
        plan_id=plan.id,
        customer_id=plan.customer_id,
        reviewed_at=record.reviewed_at,
        reviewed_on=reviewed_on,
        changes=record.changes,
        portfolio_against_plan=record.portfolio_against_plan,
        advice=record.advice,
        outcome=record.outcome,
        next_review_on=next_review_on,
        reviewer_id=work.person,
        recorded_at=work.now,
    )
    await repository.insert_review(work.uow, review)
    ended: list[Task] = []
    if plan.next_review_on is not None:
        # The review answers its own plan's task, even one that was opened between the review and its record.
        due = policy.review_origin(plan.id, plan.next_review_on)
        evidence = Deed("plan_review", str(review.id), record.reviewed_at, frozenset({str(due)}))
        ended = await tasks.end_tasks(work, rules, plan.customer_id, evidence)
    await outbox.append(work.uow, _reviewed(review))
    return review, ended


async def open_review_tasks(work: Work, rules: Rules, patience: Patience = USUAL) -> int:
    """Open a task for each plan whose review is due; returns how many. For the job. A plan fails alone."""

    async def take(only: Sequence[UUID] | None) -> list[Plan]:
        return await repository.lock_plans_to_review(work.uow, work.today, REVIEW_BATCH, work.now, only)

    async def open_reviews(plans: Sequence[Plan]) -> None:
        await _open_reviews(work, rules, plans)

    return await work_off(
        work.uow, repository.QUEUE, take, open_reviews, key=lambda plan: plan.id, now=work.now, patience=patience
    )


async def _open_reviews(work: Work, rules: Rules, plans: Sequence[Plan]) -> None:
    for plan in plans:
        if plan.next_review_on is None:
            continue
        request = TaskRequest(
            customer_id=plan.customer_id,
            task_type="plan_review_due",
            origin=policy.review_origin(plan.id, plan.next_review_on),
            reason_code="plan_review_due",
            reason=_REVIEW_DUE,
            evidence={"plan_id": str(plan.id), "next_review_on": str(plan.next_review_on)},
            due_at=rules.calendar.end_of_business_day(rules.calendar.business_day(work.now)),
        )
        await tasks.open_task(work, rules, request)
    await repository.mark_review_tasks_opened(work.uow, [plan.id for plan in plans])


def _reviewed(review: PlanReview) -> PlanReviewed:
    return PlanReviewed(
        review_id=review.id,
        plan_id=review.plan_id,
        customer_id=review.customer_id,
        reviewed_on=review.reviewed_on,
        next_review_on=review.next_review_on,
        outcome=review.outcome,
        reviewer_id=review.reviewer_id,
    )
