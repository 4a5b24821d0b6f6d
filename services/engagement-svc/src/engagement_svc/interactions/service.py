"""Record a contact, and end the tasks that it answers."""

from collections.abc import Sequence
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.work import Work

from engagement_svc.actions import service as actions
from engagement_svc.actions.service import ContactMade
from engagement_svc.contact_budget import policy as counting
from engagement_svc.contact_budget import repository as budget
from engagement_svc.contact_budget import service as contact_budget
from engagement_svc.contact_budget.service import Made
from engagement_svc.customers import repository as customers
from engagement_svc.interactions import policy, repository
from engagement_svc.interactions.errors import ContactInTheFuture
from engagement_svc.interactions.events import InteractionRecorded
from engagement_svc.interactions.repository import Interaction
from engagement_svc.interactions.schemas import InteractionRecord
from engagement_svc.rules import Rules
from engagement_svc.standards import Standards
from engagement_svc.tasks import service as tasks
from engagement_svc.tasks.policy import Contact
from engagement_svc.tasks.repository import Task


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
    )
    await repository.insert_interaction(work.uow, interaction)
    await _count_contact(work, rules, interaction, ended)
    await outbox.append(work.uow, _recorded(interaction))
    return interaction


def _evidence(record: InteractionRecord, interaction_id: UUID, standards: Standards) -> Contact:
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
        made = Made(
            customer_id=interaction.customer_id,
            purpose=counted_as,
            channel=interaction.method,
            made_at=interaction.occurred_at,
            recorded_by=f"staff:{interaction.recorded_by}",
            interaction_id=interaction.id,
        )
        await contact_budget.spend(work, rules, made, actions.give_way)


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
