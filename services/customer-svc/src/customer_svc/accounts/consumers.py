"""The same intake from Kafka: `bank.inbound.accounts`."""

from collections.abc import Sequence

import msgspec
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError

from customer_svc.accounts import service
from customer_svc.accounts.schemas import AccountItem


async def take_in_accounts(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    """The handler of `bank.inbound.accounts`. An item that HTTP would reject becomes a dead letter with that reason."""
    result = await service.report_accounts(uow, [_item(event) for event in events])
    for outcome in result.items:
        if outcome.error is not None:
            raise PermanentError(outcome.error.code, outcome.error.detail, event_id=events[outcome.index].id)


def _item(event: Envelope) -> AccountItem:
    try:
        return msgspec.convert(event.data, AccountItem)
    except msgspec.ValidationError as error:
        raise PermanentError("invalid_item", event.type, event_id=event.id) from error
