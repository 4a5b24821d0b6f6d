"""The entries that the reasons of a score rest on (S6): a few of each, for whoever looks the score up. No stored score holds them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import BALANCE_DAYS, WINDOW_DAYS, CustomerHistory
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.retention.policy import Code

MOST: Final = 10
"""Entries that a reason names at most: the latest of what was counted, the largest of what was summed."""


async def read_evidence(
    uow: UnitOfWork, classes: ActivityClasses, customer_id: UUID, history: CustomerHistory, known_at: datetime
) -> Mapping[Code, tuple[str, ...]]:
    """By reason, entries in the currency of the history that counted by `known_at`, up to the history's date."""
    entries = ledger.EntriesOf(customer_id, history.currency, history.as_of, known_at)
    windows, year = history.as_of - timedelta(days=2 * WINDOW_DAYS), history.as_of - timedelta(days=BALANCE_DAYS)
    window = history.as_of - timedelta(days=WINDOW_DAYS)
    own = await ledger.latest_entry_ids(uow, entries, classes.customer_initiated, MOST)
    found = {
        Code.ACTIVITY_DECLINE: await ledger.latest_entry_ids(uow, entries, classes.customer_initiated, MOST, since=windows),
        Code.BALANCE_DECLINE: await ledger.largest_debit_ids(uow, entries, frozenset(), MOST, since=year),
        Code.NET_OUTFLOW: await ledger.largest_debit_ids(uow, entries, classes.bank_bookings, MOST, since=window),
        Code.INCOME_STOPPED: await ledger.latest_entry_ids(uow, entries, classes.salary, MOST, credits_only=True),
        Code.SILENCE: own[:1],
        Code.DROPPED_OUT: own,
    }
    return {code: tuple(str(entry_id) for entry_id in ids) for code, ids in found.items()}
