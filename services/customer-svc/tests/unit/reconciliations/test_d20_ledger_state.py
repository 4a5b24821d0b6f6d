"""How scoring's ledger stands, for a whole and for a day."""

from datetime import UTC, date, datetime

import pytest
from customer_svc.reconciliations.policy import LedgerComparison, ledger_state

UNTIL, AT = date(2026, 11, 22), datetime(2026, 11, 23, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("comparison", "whole", "day_before", "last_day", "day_after"),
    [
        (None, "not_compared_yet", "not_compared_yet", "not_compared_yet", "not_compared_yet"),
        (LedgerComparison(UNTIL, AT, 0), "agrees", "agrees", "agrees", "not_compared_yet"),
        (LedgerComparison(UNTIL, AT, 2), "differs", "differs", "differs", "not_compared_yet"),
    ],
)
def test_d20_a_day_is_answered_for_as_far_as_was_compared(
    comparison: LedgerComparison | None, whole: str, day_before: str, last_day: str, day_after: str
) -> None:
    state = ledger_state(comparison)
    days = [state.on(date(2026, 11, day)) for day in (21, 22, 23)]
    assert [state.status, *days] == [whole, day_before, last_day, day_after]
