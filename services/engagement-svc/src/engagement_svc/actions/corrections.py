"""What becomes of actions when the contact that had concluded them was corrected."""

from collections.abc import Sequence

from guanxi_common.messaging import outbox
from guanxi_common.work import Work

from engagement_svc.actions import policy, repository
from engagement_svc.actions.events import ActionDeclined, ActionReopened
from engagement_svc.actions.policy import Refusal
from engagement_svc.actions.repository import Action
from engagement_svc.actions.service import REQUESTED_BY, ContactMade, concluded
from engagement_svc.contact_budget import repository as budget
from engagement_svc.contact_budget import service as contact_budget
from engagement_svc.contact_budget.policy import COUNTED
from engagement_svc.contact_budget.service import Wanted
from engagement_svc.customers import repository as customers
from engagement_svc.rules import Rules
from engagement_svc.tasks import service as tasks
from engagement_svc.tasks.policy import Ended
from engagement_svc.tasks.repository import Task


async def reopen(work: Work, reopened: Sequence[Task]) -> list[Action]:
    """The actions of tasks that are open again are worked on again; returns them as they were concluded."""
    again = await repository.lock_concluded(work.uow, [task.id for task in reopened])
    for action in again:
        await repository.reopen_action(work.uow, action.action_id)
        await outbox.append(work.uow, _reopened(action))
    return again


async def conclude_otherwise(work: Work, kept: Sequence[Task], contact: ContactMade) -> list[Action]:
    """Tell the other outcome of actions whose tasks the contact still ends; returns all of these actions."""
    actions = await repository.lock_concluded(work.uow, [task.id for task in kept])
    for action in actions:
        if action.outcome != contact.outcome:
            await repository.end_action(work.uow, action.action_id, "concluded", work.now, reason=None, outcome=contact.outcome)
            told = concluded(action, contact.outcome, contact.interaction_id, work.today)
            await outbox.append(work.uow, _reopened(action), told)
    return actions


async def reserve_again(work: Work, rules: Rules, reopened: Sequence[Action]) -> None:
    """Set a contact aside for each offer that is worked on again; where none fits, consent is gone or selling is held, it is declined.

    An offer that has expired meanwhile is left to the job.
    """
    for action in reopened:
        purpose = rules.standards.actions[action.kind].purpose
        if purpose not in COUNTED or action.expires_on < work.today:
            continue
        backing = await budget.reservations(work.uow, [action.reservation_id] if action.reservation_id else [])
        wanted = Wanted(
            customer_id=action.customer_id,
            purpose=purpose,
            channel=action.channel,
            requested_by=REQUESTED_BY,
            since=work.today,
            until=action.expires_on,
            consent_purpose=backing[0].consent_purpose if backing else None,
        )
        consents = await customers.read_consents(work.uow, action.customer_id)
        refusal = policy.refusal_of(wanted.consent_purpose, action.channel, action.expires_on, consents, work.today)
        if refusal is None and await contact_budget.holds_selling(work.uow, rules.standards, action.customer_id, purpose):
            refusal = Refusal.SALES_HOLD
        reservation = None if refusal else await contact_budget.reserve(work, rules, wanted)
        if reservation is not None:
            await repository.rest_on(work.uow, action.action_id, reservation.id)
        else:
            await _decline(work, action, refusal or Refusal.CONTACT_BUDGET)


async def _decline(work: Work, action: Action, refusal: Refusal) -> None:
    by = str(policy.origin_of(action.action_id))
    await tasks.cancel_tasks(work.uow, [action.task_id] if action.task_id else [], Ended.WITHDRAWN, by, work.now)
    await repository.end_action(work.uow, action.action_id, "declined", work.now, reason=refusal, outcome=None)
    declined = ActionDeclined(action_id=action.action_id, customer_id=action.customer_id, reason=refusal, declined_by=None)
    await outbox.append(work.uow, declined)


def _reopened(action: Action) -> ActionReopened:
    if action.task_id is None:
        raise ValueError("a concluded action has a task")
    return ActionReopened(action_id=action.action_id, customer_id=action.customer_id, task_id=action.task_id)
