"""The fold: `bank.transactions` into the ledger. Its own key is the dedupe."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.processing import Handler, read_fact
from guanxi_common.money import POSTING_LIMIT

from scoring_svc.ledger import repository
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.ledger.repository import Entry, Reversal

POSTED = "guanxi.transaction.posted.v1"
REVERSED = "guanxi.transaction.reversed.v1"


class _Money(msgspec.Struct):
    amount: int
    currency: str


class _Posted(msgspec.Struct):
    """What the ledger reads of `transaction.posted`."""

    transaction_id: UUID
    customer_id: UUID
    account_id: UUID
    booked_on: date
    money: _Money
    code: str


class _Reversed(msgspec.Struct):
    """What the ledger reads of `transaction.reversed`."""

    transaction_id: UUID
    reversal_id: UUID
    customer_id: UUID


_POSTED_DATA = msgspec.json.Decoder(_Posted, strict=False)
_REVERSED_DATA = msgspec.json.Decoder(_Reversed, strict=False)


def fold_transactions(classes: ActivityClasses, calendar: BusinessCalendar, clock: Clock) -> Handler:
    """Make the handler of `bank.transactions`.

    Entries are folded before reversals: the sums do not depend on the order, and a reversal finds its original whichever came first.
    """

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        entries: dict[tuple[UUID, UUID], Entry] = {}
        reversals: dict[tuple[UUID, UUID], Reversal] = {}
        for event in events:
            if event.type == POSTED:
                entry = _entry(event, classes)
                told_before = entries.setdefault((entry.customer_id, entry.entry_id), entry)
                if told_before is not entry:
                    _refuse_other_content(entry, told_before)
            else:
                undone = read_fact(event, _REVERSED_DATA)
                reversals[undone.customer_id, undone.transaction_id] = Reversal(
                    undone.customer_id, undone.transaction_id, undone.reversal_id, event.traceparent
                )
        now = clock.now()
        if entries:
            fresh = await repository.fold_entries(uow, list(entries.values()), now, calendar.local_date(now))
            for key, known in (await repository.read_entries(uow, entries.keys() - fresh)).items():
                _refuse_other_content(entries[key], known)
        if reversals:
            await repository.fold_reversals(uow, list(reversals.values()), now)

    return handle


def _entry(event: Envelope, classes: ActivityClasses) -> Entry:
    posted = read_fact(event, _POSTED_DATA)
    if abs(posted.money.amount) > POSTING_LIMIT:
        raise PermanentError("amount_out_of_range", event.type, event_id=event.id)
    return Entry(
        posted.customer_id,
        posted.transaction_id,
        posted.account_id,
        posted.booked_on,
        posted.money.amount,
        posted.money.currency,
        classes.classify(posted.code),
        posted.code,
        event.traceparent,
    )


def _refuse_other_content(told: Entry, known: Entry) -> None:
    """The class may differ: the mapping of codes changes over time, and an entry keeps the class it was folded under."""
    same = (told.account_id, told.booked_on, told.amount_minor, told.currency, told.code) == (
        known.account_id,
        known.booked_on,
        known.amount_minor,
        known.currency,
        known.code,
    )
    if not same:
        raise PermanentError("content_differs", "the entry was folded before with other content", event_id=told.entry_id)
