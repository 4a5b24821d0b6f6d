"""Money: whole minor units, bounded, one currency at a time."""

import pytest
from guanxi_common.currencies import MINOR_DIGITS
from guanxi_common.money import MAX_AMOUNT, MIN_AMOUNT, CurrencyMismatch, InvalidAmount, Money, UnknownCurrency
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

AMOUNTS = st.integers(MIN_AMOUNT, MAX_AMOUNT)
CURRENCIES = st.sampled_from(sorted(MINOR_DIGITS))
MONEY = TypeAdapter(Money)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.50", "CNY", 1250),
        ("-0.01", "CZK", -1),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("92233720368547758.07", "CNY", MAX_AMOUNT),
    ],
)
def test_major_units_are_read_and_written_exactly(text: str, currency: str, amount: int) -> None:
    money = Money.from_major(text, currency)
    assert money == Money(amount, currency)
    assert money.major_text() == text


@pytest.mark.parametrize(("text", "currency"), [("0.001", "CNY"), ("1.5", "JPY"), ("NaN", "CNY"), ("1e40", "CNY"), ("", "CNY")])
def test_what_is_no_whole_number_of_minor_units_is_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidAmount):
        Money.from_major(text, currency)


@given(AMOUNTS, CURRENCIES)
def test_every_amount_survives_text(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert Money.from_major(money.major_text(), currency) == money


@pytest.mark.parametrize("amount", [1.0, True, "1", MAX_AMOUNT + 1, MIN_AMOUNT - 1])
def test_floats_booleans_and_overflow_are_refused_by_hand_and_in_json(amount: object) -> None:
    with pytest.raises(InvalidAmount):
        Money(amount, "CNY")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        MONEY.validate_python({"amount": amount, "currency": "CNY"})


def test_json_form() -> None:
    assert MONEY.dump_json(Money(1250, "CNY")) == b'{"amount":1250,"currency":"CNY"}'
    assert MONEY.validate_json('{"amount":1250,"currency":"CNY"}') == Money(1250, "CNY")
    for body in ('{"amount":1250.0,"currency":"CNY"}', '{"amount":1,"currency":"XXX"}', '{"amount":1,"currency":"CNY","x":1}'):
        with pytest.raises(ValidationError):
            MONEY.validate_json(body)


@pytest.mark.parametrize("currency", ["cny", "XXX", "", "CNY\n", "人民币"])
def test_unknown_currencies_are_refused(currency: str) -> None:
    with pytest.raises(UnknownCurrency):
        Money(1, currency)


def test_currencies_do_not_mix_and_sums_stay_in_bounds() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "CNY") + Money(1, "CZK")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "CNY") < Money(2, "CZK")
    with pytest.raises(InvalidAmount):
        Money(MAX_AMOUNT, "CNY") + Money(1, "CNY")
    with pytest.raises(InvalidAmount):
        -Money(MIN_AMOUNT, "CNY")
    assert Money(5, "CNY") - Money(7, "CNY") == Money(-2, "CNY") < Money.zero("CNY")
    assert str(Money(-2, "CNY")) == "-0.02 CNY"
