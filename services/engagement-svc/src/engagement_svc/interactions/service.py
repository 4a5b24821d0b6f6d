"""Record a contact and correct the record; the tasks that it answers end, and are open again where it answers them no more."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.security.principal import ScopeKind
from guanxi_common.work import Work

from engagement_svc.actions import corrections
from engagement_svc.actions import service as actions
from engagement_svc.actions.service import ContactMade
from engagement_svc.contact_budget import policy as counting
from engagement_svc.contact_budget import repository as budget
from engagement_svc.contact_budget import service as contact_budget
from engagement_svc.contact_budget.service import Made
from engagement_svc.customers import repository as customers
from engagement_svc.interactions import policy, repository
from engagement_svc.interactions.errors import ContactInTheFuture, CorrectionClosed, NothingCorrected, NotTheAuthor
from engagement_svc.interactions.events import InteractionCorrected, InteractionRecorded
from engagement_svc.interactions.policy import NotCorrected
from engagement_svc.interactions.repository import Interaction
from engagement_svc.interactions.schemas import InteractionCorrection, InteractionRecord
from engagement_svc.rules import Rules
from engagement_svc.standards import Standards
from engagement_svc.tasks import service as tasks
from engagement_svc.tasks.policy import Contact
from engagement_svc.tasks.repository import Task
from engagement_svc.tasks.service import Reconsidered


async def record_interaction(work: Work, rules: Rules, record: InteractionRecord) -> Interaction:
    """Store the contact; raises `NotFound` for a customer out of scope, `ContactInTheFuture`, `NotTheCustomersTask`, `CannotAnswer`."""
    if policy.is_in_the_future(record.occurred_at, work.now):
        raise ContactInTheFuture()
    if not await customers.customer_is_visible(work.uow, work.scope, record.customer_id, work.now):
        raise NotFound()
    interaction_id = new_id()
    if record.direction == "outbound":
        await budget.lock_accounts(work.uow, [record.customer_id])
    evidence = _evidence(record, interaction_id, rules.standards)
    ended = await tasks.end_tasks(work, rules, record.customer_id, evidence, named=record.answers)
    interaction = Interaction(
        id=interaction_id,
        customer_id=record.customer_id,
        method=record.method,
        direction=record.direction,
        replied=record.replied,
        purpose=record.purpose,
        occurred_at=record.occurred_at,
        booked_on=rules.calendar.local_date(record.occurred_at),
        content=record.content,
        result=record.result,
        result_note=record.result_note,
        relationship_effect=record.relationship_effect,
        participants=record.participants,
        materials=record.materials,
        next_step=record.next_step,
        recorded_by=work.person,
        recorded_at=work.now,
        late=policy.is_late(record.occurred_at, work.now, rules.calendar),
        completed_task_ids=[task.id for task in ended],
        answers=record.answers,
    )
    await repository.insert_interaction(work.uow, interaction)
    await _count_contact(work, rules, interaction, ended)
    await outbox.append(work.uow, _recorded(interaction))
    return interaction


async def correct_interaction(work: Work, rules: Rules, interaction_id: UUID, correction: InteractionCorrection) -> Interaction:
    """Say of a contact what is right, as the next revision, and judge all that followed from it again.

    Tasks that it answers no more are open again, with their actions; what it has used of the contact budget is counted anew. Raises
    `NotFound` out of scope, `StaleVersion`, `NotTheAuthor`, `CorrectionClosed`, and what `record_interaction` raises of the same record.
    """
    said = await repository.read_interaction(work.uow, work.scope, interaction_id, work.now, lock=True)
    if said is None:
        raise NotFound
    work.check_version(said.revision)
    _demand_right(work, rules, said)
    corrected = replace(said, **correction.said)
    if corrected == said:
        raise NothingCorrected
    if policy.is_in_the_future(corrected.occurred_at, said.recorded_at):  # nobody records what is yet to happen
        raise ContactInTheFuture
    judged: Reconsidered | None = None
    if any(getattr(corrected, name) != getattr(said, name) for name in policy.EVIDENCE):
        await budget.lock_accounts(work.uow, [said.customer_id])
        evidence = _evidence(corrected, said.id, rules.standards)
        judged = await tasks.reconsider(work, rules, evidence, named=corrected.answers)
        corrected = replace(corrected, completed_task_ids=[task.id for task in (*judged.kept, *judged.ended)])
    corrected = replace(
        corrected,
        booked_on=rules.calendar.local_date(corrected.occurred_at),
        late=policy.is_late(corrected.occurred_at, said.recorded_at, rules.calendar),
        revision=said.revision + 1,
        corrected_at=work.now,
        corrected_by=work.person,
        correction_reason=correction.reason,
    )
    await repository.store_correction(work.uow, corrected)
    if judged is not None:
        await _recount_contact(work, rules, corrected, judged)
    await outbox.append(work.uow, _corrected(corrected))
    return corrected


def _demand_right(work: Work, rules: Rules, said: Interaction) -> None:
    why = policy.why_not_corrected(
        rules.calendar.local_date(said.recorded_at),
        work.today,
        rules.standards.corrections,
        author=said.recorded_by == work.person,
        lead=work.scope.kind is not ScopeKind.OWN,
    )
    if why is NotCorrected.NOT_THE_AUTHOR:
        raise NotTheAuthor
    if why is NotCorrected.TOO_LATE:
        raise CorrectionClosed


async def _recount_contact(work: Work, rules: Rules, interaction: Interaction, judged: Reconsidered) -> None:
    """Let actions and budget follow the corrected record."""
    result = rules.standards.contact_results[interaction.result]
    outbound = interaction.direction == "outbound"
    contact = ContactMade(interaction.id, interaction.occurred_at, result.outcome, outbound)
    counted = await budget.of_interaction(work.uow, interaction.id, interaction.customer_id)
    reopened = await corrections.reopen(work, judged.reopened)
    kept = [rules.standards.actions[one.kind].purpose for one in await corrections.conclude_otherwise(work, judged.kept, contact)]
    used = await actions.conclude(work, rules, judged.ended, contact)
    counted_as = next((purpose for purpose in kept if purpose in counting.COUNTED), counting.counted_as(interaction.purpose))
    made = _made(interaction, counted_as) if outbound and result.counts and not used and counted_as else None
    await contact_budget.recount(work, rules, counted, made, actions.give_way)
    await corrections.reserve_again(work, rules, reopened)


def _evidence(record: InteractionRecord | Interaction, interaction_id: UUID, standards: Standards) -> Contact:
    return Contact(
        reference=str(interaction_id),
        customer_id=record.customer_id,
        occurred_at=record.occurred_at,
        direction=record.direction,
        purpose=record.purpose,
        counts=standards.contact_results[record.result].counts,
        two_way=record.replied or not standards.contact_methods[record.method].written,
    )


async def _count_contact(work: Work, rules: Rules, interaction: Interaction, ended: Sequence[Task]) -> None:
    """Conclude the actions that the contact answers, and count it: what has happened is counted even past the budget, an attempt that
    reached nobody and a customer who came are not."""
    result = rules.standards.contact_results[interaction.result]
    outbound = interaction.direction == "outbound"
    contact = ContactMade(interaction.id, interaction.occurred_at, result.outcome, outbound)
    used = await actions.conclude(work, rules, ended, contact)
    counted_as = counting.counted_as(interaction.purpose)
    if outbound and result.counts and not used and counted_as is not None:
        await contact_budget.spend(work, rules, _made(interaction, counted_as), actions.give_way)


def _made(interaction: Interaction, counted_as: str) -> Made:
    return Made(
        customer_id=interaction.customer_id,
        purpose=counted_as,
        channel=interaction.method,
        made_at=interaction.occurred_at,
        recorded_by=f"staff:{interaction.recorded_by}",
        interaction_id=interaction.id,
    )


def _recorded(interaction: Interaction) -> InteractionRecorded:
    return InteractionRecorded(
        interaction_id=interaction.id,
        customer_id=interaction.customer_id,
        method=interaction.method,
        direction=interaction.direction,
        purpose=interaction.purpose,
        occurred_at=interaction.occurred_at,
        booked_on=interaction.booked_on,
        result=interaction.result,
        relationship_effect=interaction.relationship_effect,
        recorded_by=interaction.recorded_by,
        late=interaction.late,
        completed_task_ids=interaction.completed_task_ids,
    )


def _corrected(interaction: Interaction) -> InteractionCorrected:
    if interaction.corrected_by is None:
        raise ValueError("a corrected contact names who corrected it")
    return InteractionCorrected(
        interaction_id=interaction.id,
        customer_id=interaction.customer_id,
        revision=interaction.revision,
        method=interaction.method,
        direction=interaction.direction,
        purpose=interaction.purpose,
        occurred_at=interaction.occurred_at,
        booked_on=interaction.booked_on,
        result=interaction.result,
        relationship_effect=interaction.relationship_effect,
        corrected_by=interaction.corrected_by,
        late=interaction.late,
        completed_task_ids=interaction.completed_task_ids,
    )
