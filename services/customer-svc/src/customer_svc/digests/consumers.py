"""`scoring.digests`: how scoring's ledger stands."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.digests import repository
from guanxi_common.digests.repository import Comparison
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError

DIGEST_COMPARED: Final = "guanxi.digest.compared.v1"


class _Compared(msgspec.Struct):
    """What is read of `digest.compared`."""

    digested: str
    taken_at: datetime
    until: date
    compared_at: datetime
    differing: list[int]


async def keep_comparisons(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Keep the newest comparison of each type."""
    for event in events:
        try:
            told = msgspec.convert(event.data, _Compared)
        except msgspec.ValidationError as error:
            raise PermanentError("invalid_event", event.type, event_id=event.id) from error
        comparison = Comparison(told.digested, told.taken_at, told.until, told.compared_at, told.differing)
        await repository.keep_comparison(uow, comparison, {})
