"""Take recommended actions up, and tell what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from guanxi_common.errors import Conflict, NotFound, Text
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import DomainEvent, Envelope
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.work import Work

from engagement_svc.actions import policy, repository
from engagement_svc.actions.errors import AlreadyDeclined, NotDeclinable
from engagement_svc.actions.events import ActionAccepted, ActionConcluded, ActionDeclined
from engagement_svc.actions.policy import Refusal
from engagement_svc.actions.repository import Action
from engagement_svc.contact_budget import repository as budget
from engagement_svc.contact_budget import service as contact_budget
from engagement_svc.contact_budget.events import ContactReservationCancelled, ContactReservationExpired
from engagement_svc.contact_budget.policy import COUNTED
from engagement_svc.contact_budget.repository import Reservation
from engagement_svc.contact_budget.service import Wanted
from engagement_svc.customers import repository as customers
from engagement_svc.rules import Rules
from engagement_svc.tasks import repository as task_store
from engagement_svc.tasks import service as tasks
from engagement_svc.tasks.errors import TaskEnded
from engagement_svc.tasks.policy import Ended
from engagement_svc.tasks.repository import Task
from engagement_svc.tasks.service import SYSTEM, TaskRequest

REQUESTED_BY = "system:actions"
EXPIRY_BATCH = 500


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What scoring-svc recommends, or this service plans (`touches`). `content` and the rest of `evidence` are shown with the task;
    `told_by` is the event, if one told."""

    action_id: UUID
    customer_id: UUID
    kind: str
    channel: str
    product_code: str | None
    consent_purpose: str | None
    reason_code: str
    reason: Text
    evidence: Mapping[str, Any]
    priority_bp: int
    due_within: timedelta
    expires_on: date
    told_by: Envelope | None = None


@dataclass(frozen=True, slots=True)
class ContactMade:
    """A contact that ends tasks; `outbound`: the bank made it. `outcome`: what it makes of the actions."""

    interaction_id: UUID
    made_at: datetime
    outcome: str
    outbound: bool


async def take_up(work: Work, rules: Rules, told: Recommendation) -> None:
    """Accept the action with a task, and a reserved contact if it is an offer, or decline it; one decided on before stays as it is.

    The customer's contact account is locked before, so that no withdrawal of consent passes by.
    """
    if await repository.is_known(work.uow, told.action_id):
        return
    await budget.lock_accounts(work.uow, [told.customer_id])
    kind, today = rules.standards.actions[told.kind], work.today
    consents = await customers.read_consents(work.uow, told.customer_id)
    refusal = policy.refusal_of(told.consent_purpose, told.channel, told.expires_on, consents, today)
    if refusal is None and await contact_budget.holds_selling(work.uow, rules.standards, told.customer_id, kind.purpose):
        refusal = Refusal.SALES_HOLD
    reservation = None
    if refusal is None and kind.purpose in COUNTED:
        reservation = await contact_budget.reserve(work, rules, _wanted(told, kind.purpose, today))
        refusal = None if reservation else Refusal.CONTACT_BUDGET
    request = _task_request(told, rules.standards.action_tasks[told.kind])
    task = await tasks.open_task(work, rules, request) if refusal is None else None
    await repository.insert_action(
        work.uow,
        Action(
            action_id=told.action_id,
            customer_id=told.customer_id,
            kind=told.kind,
            channel=told.channel,
            product_code=told.product_code,
            expires_on=told.expires_on,
            state="accepted" if task else "declined",
            reason=refusal,
            task_id=task.id if task else None,
            reservation_id=reservation.id if reservation else None,
            decided_at=work.now,
            standards_version=rules.standards.version,
        ),
    )
    await outbox.append(work.uow, _decided(told, task, refusal), caused_by=told.told_by)


async def withdraw(work: Work, action_id: UUID, reason: str) -> None:
    """Its ground is gone: take the task off the list and free the contact. What is ended or unknown stays as it is."""
    task_id = await repository.task_of(work.uow, action_id)
    if task_id is None or not await task_store.lock_open(work.uow, [task_id]):
        return
    await tasks.cancel_tasks(work.uow, [task_id], Ended.WITHDRAWN, str(policy.origin_of(action_id)), work.now)
    for action in await repository.lock_accepted(work.uow, [task_id]):
        await _end(work, action, "withdrawn", reason=reason)


async def decline(work: Work, rules: Rules, task_id: UUID, why: str) -> Action:
    """An RM does not take an offer up. Raises `NotFound` out of scope, `NotDeclinable` for a duty, and for a task that has ended
    `AlreadyDeclined` or `TaskEnded`, which say how, by whom and when."""
    if await task_store.read_task(work.uow, work.scope, task_id, work.now) is None:
        raise NotFound
    if not await task_store.lock_open(work.uow, [task_id]):
        raise await _ended_before(work, task_id)
    actions = await repository.lock_accepted(work.uow, [task_id])
    if not actions or not rules.standards.actions[actions[0].kind].may_be_declined:
        raise NotDeclinable
    [action] = actions
    await tasks.cancel_tasks(work.uow, [task_id], Ended.DECLINED, f"staff:{work.person}", work.now)
    await _end(work, action, "declined", reason=f"{Refusal.RM_DECLINED}:{why}")
    declined = ActionDeclined(
        action_id=action.action_id, customer_id=action.customer_id, reason=Refusal.RM_DECLINED, declined_by=work.person
    )
    await outbox.append(work.uow, declined)
    return action


async def _ended_before(work: Work, task_id: UUID) -> Conflict:
    """The refusal of a task that is no longer open."""
    listed = await task_store.read_task(work.uow, work.scope, task_id, work.now)
    if listed is None or listed.task.completed_at is None:
        return NotDeclinable()
    task, by = listed.task, listed.task.ended_by or ""
    if task.ended_because != Ended.DECLINED:
        return TaskEnded(task.ended_because, by, listed.task.completed_at)
    name = await task_store.staff_name(work.uow, UUID(by.removeprefix("staff:")))
    return AlreadyDeclined(name or by, listed.task.completed_at)


async def conclude(work: Work, rules: Rules, ended: Sequence[Task], contact: ContactMade) -> bool:
    """Conclude the actions whose tasks a contact has ended; returns whether one of their reserved contacts was used for it.

    One contact uses one reservation, and none if the customer came; the others are free again. One that has ended is used by nobody.
    """
    today = work.today
    answered = await repository.lock_accepted(work.uow, [task.id for task in ended])
    backing = await budget.reservations(work.uow, [action.reservation_id for action in answered if action.reservation_id])
    held = [reservation for reservation in backing if reservation.state == "reserved"]
    used = held.pop(0) if held and contact.outbound else None
    for reservation in held:
        await budget.settle(work.uow, reservation.id, "released", work.now)
    for action in answered:
        await repository.end_action(work.uow, action.action_id, "concluded", work.now, reason=None, outcome=contact.outcome)
        await outbox.append(work.uow, concluded(action, contact.outcome, contact.interaction_id, today))
    if used is not None:
        await contact_budget.confirm(work, rules, used, contact.made_at, give_way, interaction_id=contact.interaction_id)
    return used is not None


async def give_way(work: Work, reservation_ids: Sequence[UUID]) -> None:
    """Cancel reservations for a contact that was made past the limit, and the offers that rest on them. Their owners learn it."""
    for reservation in await budget.reservations(work.uow, reservation_ids):
        await _give_up(work, reservation, contact_budget.CONTACT_LIMIT, None)


async def follow_withdrawals(work: Work, customer_ids: Sequence[UUID]) -> None:
    """Cancel what is set aside for a purpose and channel that the customer refuses, in the transaction that applies the refusal.

    Reservations made in the meantime wait for the account, and then read the refusal; those made before are seen here.
    """
    refusing = await budget.customers_who_refuse(work.uow, customer_ids)
    if not refusing:
        return
    await budget.lock_accounts(work.uow, refusing)
    for reservation, since in await budget.refused_reservations(work.uow, refusing):
        said_at = datetime.fromisoformat(since) if since else None
        await _give_up(work, reservation, contact_budget.NO_CONSENT, said_at)


async def expire_actions(work: Work, rules: Rules, patience: Patience = USUAL) -> int:
    """End offers that nobody took up in time; returns how many. Duties do not end this way. For the job. An offer fails alone."""
    kinds = [name for name, kind in rules.standards.actions.items() if kind.ends_by_itself]

    async def take(only: Sequence[UUID] | None) -> list[UUID]:
        return await repository.expired_tasks(work.uow, kinds, work.today, EXPIRY_BATCH, work.now, only)

    async def expire(task_ids: Sequence[UUID]) -> None:
        await tasks.cancel_tasks(work.uow, task_ids, Ended.EXPIRED, SYSTEM, work.now)
        for action in await repository.lock_accepted(work.uow, task_ids):
            await _end(work, action, "concluded", outcome="expired")
            await outbox.append(work.uow, concluded(action, "expired", None, work.today))

    return await work_off(work.uow, repository.QUEUE, take, expire, key=lambda one: one, now=work.now, patience=patience)


async def expire_reservations(work: Work, patience: Patience = USUAL) -> int:
    """Expire the reservations that hold no longer and that nobody has settled; returns how many. For the job.

    An offer ends with its reservation. Each reservation fails alone.
    """

    async def take(only: Sequence[UUID] | None) -> list[Reservation]:
        return await budget.past_their_day(work.uow, work.today, EXPIRY_BATCH, work.now, only)

    async def expire(reservations: Sequence[Reservation]) -> None:
        for reservation in reservations:
            await _expire_reservation(work, reservation)

    return await work_off(work.uow, budget.EXPIRIES, take, expire, key=lambda one: one.id, now=work.now, patience=patience)


async def _expire_reservation(work: Work, reservation: Reservation) -> None:
    offers = await _lock_offers(work, reservation)
    if not await budget.settle(work.uow, reservation.id, "expired", work.now):
        return
    for action in offers:
        await tasks.cancel_tasks(work.uow, [action.task_id] if action.task_id else [], Ended.EXPIRED, SYSTEM, work.now)
        await repository.end_action(work.uow, action.action_id, "concluded", work.now, reason=None, outcome="expired")
        await outbox.append(work.uow, concluded(action, "expired", None, work.today))
    expired = ContactReservationExpired(
        reservation_id=reservation.id,
        customer_id=reservation.customer_id,
        purpose=reservation.purpose,
        channel=reservation.channel,
        requested_by=reservation.requested_by,
        expired_on=reservation.holds_until + timedelta(days=1),
    )
    await outbox.append(work.uow, expired)


async def _give_up(
    work: Work, reservation: Reservation, because: Literal["contact_limit", "no_consent"], said_at: datetime | None
) -> None:
    offers = await _lock_offers(work, reservation)
    if not await budget.settle(work.uow, reservation.id, "cancelled", work.now, because=because, said_at=said_at):
        return
    refusal = Refusal.NO_CONSENT if because == contact_budget.NO_CONSENT else Refusal.CONTACT_BUDGET
    for action in offers:
        task_ids = [action.task_id] if action.task_id else []
        await tasks.cancel_tasks(work.uow, task_ids, Ended.WITHDRAWN, f"reservation:{reservation.id}", work.now)
        await repository.end_action(work.uow, action.action_id, "declined", work.now, reason=refusal, outcome=None)
        declined = ActionDeclined(action_id=action.action_id, customer_id=action.customer_id, reason=refusal, declined_by=None)
        await outbox.append(work.uow, declined)
    cancelled = ContactReservationCancelled(
        reservation_id=reservation.id,
        customer_id=reservation.customer_id,
        purpose=reservation.purpose,
        channel=reservation.channel,
        requested_by=reservation.requested_by,
        on_day=reservation.on_day,
        because=because,
    )
    await outbox.append(work.uow, cancelled)


async def _lock_offers(work: Work, reservation: Reservation) -> list[Action]:
    """The offer that rests on a reservation, if any. Locks task and action; whoever settles the reservation meanwhile comes first."""
    task_id = await repository.task_of_reservation(work.uow, reservation.id)
    if task_id is None:
        return []
    await task_store.lock_open(work.uow, [task_id])
    return await repository.lock_accepted(work.uow, [task_id])


async def _end(work: Work, action: Action, state: str, *, reason: str | None = None, outcome: str | None = None) -> None:
    """End the action without a contact; what was set aside for it is free again."""
    await repository.end_action(work.uow, action.action_id, state, work.now, reason=reason, outcome=outcome)
    if action.reservation_id is not None:
        await budget.settle(work.uow, action.reservation_id, "released", work.now)


def _wanted(told: Recommendation, purpose: str, today: date) -> Wanted:
    """The contact that an offer needs: on the first day that fits before the offer expires."""
    return Wanted(
        customer_id=told.customer_id,
        purpose=purpose,
        channel=told.channel,
        requested_by=REQUESTED_BY,
        since=today,
        until=told.expires_on,
        consent_purpose=told.consent_purpose,
    )


def _task_request(told: Recommendation, task_type: str) -> TaskRequest:
    return TaskRequest(
        customer_id=told.customer_id,
        task_type=task_type,
        origin=policy.origin_of(told.action_id),
        reason_code=told.reason_code,
        reason=told.reason,
        evidence=told.evidence,
        priority=policy.task_priority(told.priority_bp),
        within=told.due_within,
        caused_by=told.told_by,
    )


def _decided(told: Recommendation, task: Task | None, refusal: Refusal | None) -> DomainEvent:
    if task is not None:
        return ActionAccepted(action_id=told.action_id, customer_id=told.customer_id, task_id=task.id)
    return ActionDeclined(action_id=told.action_id, customer_id=told.customer_id, reason=str(refusal), declined_by=None)


def concluded(action: Action, outcome: str, interaction_id: UUID | None, today: date) -> ActionConcluded:
    if action.task_id is None:
        raise ValueError("an accepted action has a task")
    return ActionConcluded(
        action_id=action.action_id,
        customer_id=action.customer_id,
        task_id=action.task_id,
        outcome=outcome,
        interaction_id=interaction_id,
        concluded_on=today,
    )
