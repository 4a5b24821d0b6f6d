"""`engagement.activities`: what became of the recommended actions."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import Handler

from scoring_svc.actions import service
from scoring_svc.actions.service import ActionAnswer
from scoring_svc.queues import planning

ACTION_ACCEPTED = "guanxi.action.accepted.v1"
ACTION_DECLINED = "guanxi.action.declined.v1"
ACTION_CONCLUDED = "guanxi.action.concluded.v1"
ACTION_REOPENED = "guanxi.action.reopened.v1"
_STATES = {ACTION_ACCEPTED: "accepted", ACTION_DECLINED: "declined", ACTION_CONCLUDED: "concluded"}


class _Answer(msgspec.Struct):
    """What scoring reads of the four types."""

    action_id: UUID
    customer_id: UUID
    reason: str | None = None
    outcome: str | None = None


def take_up_answers(clock: Clock) -> Handler:
    """Make the handler of the four types; what ended, or goes on, is planned anew."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        if uow.replaying:
            return  # actions are this service's own: a rebuild neither has them nor changes what became of them
        now = clock.now()
        for event in events:
            try:
                told = msgspec.convert(event.data, _Answer)
            except msgspec.ValidationError as error:
                raise PermanentError("invalid_event", event.type, event_id=event.id) from error
            if event.type == ACTION_REOPENED:
                await service.reopened(uow, told.customer_id, told.action_id, now)
                continue
            because = told.outcome or told.reason
            await service.answered(uow, ActionAnswer(told.customer_id, told.action_id, _STATES[event.type], because), now)
        ended = [UUID(event.key) for event in events if event.type != ACTION_ACCEPTED]
        if ended:
            await planning.mark(uow, ended, now)

    return handle
