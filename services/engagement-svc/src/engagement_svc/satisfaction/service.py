"""Record what a customer said of the bank."""

from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.work import Work

from engagement_svc.customers.repository import customer_is_visible
from engagement_svc.interactions.repository import read_interaction
from engagement_svc.satisfaction import repository
from engagement_svc.satisfaction.errors import AnsweredInTheFuture, UnknownInteraction
from engagement_svc.satisfaction.events import SurveyAnswered
from engagement_svc.satisfaction.repository import Answer
from engagement_svc.satisfaction.schemas import SatisfactionRecord


async def record_satisfaction(work: Work, told: SatisfactionRecord) -> Answer:
    """Store and tell it. Raises `NotFound` for a customer out of scope, `AnsweredInTheFuture`, `UnknownInteraction`."""
    if not await customer_is_visible(work.uow, work.scope, told.customer_id, work.now):
        raise NotFound
    if told.answered_on > work.today:
        raise AnsweredInTheFuture
    if told.interaction_id is not None:
        contact = await read_interaction(work.uow, work.scope, told.interaction_id, work.now)
        if contact is None or contact.customer_id != told.customer_id:
            raise UnknownInteraction
    answer = Answer(id=new_id(), **told.model_dump(), recorded_by=work.person, recorded_at=work.now)
    await repository.insert_answer(work.uow, answer)
    answered = SurveyAnswered(
        answer_id=answer.id,
        customer_id=answer.customer_id,
        satisfaction=answer.satisfaction,
        nps=answer.nps,
        answered_on=answer.answered_on,
        asked_about=answer.asked_about,
    )
    await outbox.append(work.uow, answered)
    return answer
