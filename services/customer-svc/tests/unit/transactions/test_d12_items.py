"""D12: what an item of the intake is refused for, alone and in a batch of nothing but new postings."""

from datetime import date

import pytest
from customer_svc.transactions import policy
from customer_svc.transactions.schemas import MoneyIn, TransactionItem
from guanxi_common.security.principal import SYSTEM_SCOPE

TODAY = date(2026, 11, 20)


def posting(currency: str, booked_on: date) -> TransactionItem:
    return TransactionItem("core", "A", "T", booked_on, money=MoneyIn(100, currency))


@pytest.mark.parametrize(
    ("currency", "booked_on", "taken"),
    [
        ("XCG", date(2025, 3, 31), True),
        ("XCG", date(2025, 3, 30), False),
        ("ANG", date(2025, 6, 30), True),
        ("ANG", TODAY, False),
        ("HRK", date(2022, 5, 1), True),
        ("HRK", date(2023, 2, 1), False),
        ("CNY", TODAY, True),
        ("XXQ", TODAY, False),
    ],
)
def test_d12_a_posting_is_in_a_currency_of_its_day(currency: str, booked_on: date, taken: bool) -> None:
    item = posting(currency, booked_on)
    assert policy.check_item(item, TODAY, SYSTEM_SCOPE) is (None if taken else policy.UNKNOWN_CURRENCY)
    assert (policy.plain_batch([item], TODAY, SYSTEM_SCOPE) is not None) is taken
