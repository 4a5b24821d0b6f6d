"""C1: phone numbers as people write them, and what no subscriber has."""

import pytest
from customer_svc.customers.policy import normalise_phone, phone_term


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("13912345678", "+8613912345678"),
        ("+86 139 1234 5678", "+8613912345678"),
        ("(0755) 2952-3461", "+8675529523461"),
        ("0755-29523461-8001", "+8675529523461;ext=8001"),
        ("0755-29523461转8001", "+8675529523461;ext=8001"),
        ("0755-29523461 ext. 8001", "+8675529523461;ext=8001"),
        ("0755-29523461分机8001", "+8675529523461;ext=8001"),
        ("0755-29523461 內線 8001", "+8675529523461;ext=8001"),
        ("0755-29523461 x8001", "+8675529523461;ext=8001"),
        ("0755-29523461#8001", "+8675529523461;ext=8001"),
        ("0755－29523461－8001", "+8675529523461;ext=8001"),  # as a Chinese keyboard types it
        ("０７５５－２９５２３４６１转８００１", "+8675529523461;ext=8001"),
        ("010-6753 5521-8001", "+861067535521;ext=8001"),
        ("400-800-1234-5", "+864008001234;ext=5"),
        ("+852 2345 6789-123", "+85223456789;ext=123"),
        ("+1 212 555 0123 ext. 5", "+12125550123;ext=5"),
        ("tel:+86-755-29523461;ext=8001", "+8675529523461;ext=8001"),  # RFC 3966
        ("+8675529523461;ext=8001", "+8675529523461;ext=8001"),  # what is stored, once more
        ("+49 30 1234567-12", "+4930123456712"),  # direct dialling: without the last digits it is another subscriber
        ("１３９１２３４５６７８", "+8613912345678"),
        ("0086 139 1234 5678", "+8613912345678"),
        ("86-10-67535521", "+861067535521"),
        ("+86 (0)755 29523461", "+8675529523461"),
        ("010-67535521", "+861067535521"),
        ("4008001234", "+864008001234"),
        ("+852 2345 6789", "+85223456789"),
        ("+853 2872 5688", "+85328725688"),
        ("+420 601 123 456", "+420601123456"),
        ("+44 20 7946 0958", "+442079460958"),
        ("67535521", None),  # a land line without its area code
        ("1380013800", None),  # a digit is missing
        ("138001380000", None),
        ("12345", None),
        ("95588", None),  # a short number is nobody's own
        ("12912345678", None),  # no network has 129
        ("+86", None),
        ("+999 1234 5678", None),
        ("-8001", None),
        ("1-800-FLOWERS", None),  # its letters' digits would be a Chinese mobile number
        ("0755-29523461-8001234", None),  # two numbers, or none
        ("13912345678/13812345678", None),
        ("1391-234-56789", None),
        ("转8001", None),
    ],
)
def test_c1_a_phone_number_is_stored_as_e164(written: str, stored: str | None) -> None:
    assert normalise_phone(written) == stored


def test_c1_a_number_is_searched_without_its_extension() -> None:
    assert phone_term("+8675529523461;ext=8001") == phone_term("+8675529523461") == "+8675529523461"
