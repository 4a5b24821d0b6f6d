"""D12: what an item of the intake is refused for, alone and in a batch of nothing but new postings."""

from datetime import date

import msgspec
import pytest
from customer_svc.inbound.items import ExternalId, in_their_places
from customer_svc.transactions import policy
from customer_svc.transactions.schemas import ItemResult, MoneyIn, TransactionItem
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


@pytest.mark.parametrize(
    "name",
    [
        "T",
        "T" * 255,
        "流水号-2026/11",
        "Zahlung ÄÖÜ 1",
        "رقم",
        "𠮷" * 255,
        "a\u200cb",
        "'; DROP TABLE posting --",
        "%",
        "null",
    ],
)
def test_d12_an_external_id_is_printable_in_any_script(name: str) -> None:
    assert msgspec.convert(name, ExternalId) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "T" * 256,
        " T",
        "T ",
        "T\n",
        "\nT",
        "T\x00",
        "a\tb",
        "a\x7fb",
        "a\u202eb",
        "a\u200bb",
        "\ufeffT",
        "\u3000",
        5,
        None,
    ],
)
def test_d12_what_nobody_sees_is_no_external_id(name: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, ExternalId)


def test_d12_refusals_stand_where_their_items_stood() -> None:
    read = [ItemResult(0, "created"), ItemResult(1, "parked"), ItemResult(2, "held")]
    refused = {0: ItemResult(0, "rejected"), 2: ItemResult(2, "rejected"), 5: ItemResult(5, "rejected")}
    merged = in_their_places(read, refused)
    assert [(one.index, one.status) for one in merged] == [
        (0, "rejected"), (1, "created"), (2, "rejected"), (3, "parked"), (4, "held"), (5, "rejected"),
    ]  # fmt: skip
