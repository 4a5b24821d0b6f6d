"""7.1: what is stored of texts that nobody has checked."""

import pytest
from guanxi_common.messaging.stored import KEY_LENGTH, stored_key, stored_text

# printf '%s' … | b2sum -l 128
ZHANG_300 = "c42ba4a21b1be4e6ea2b5b5c0c3ae8ac"


@pytest.mark.parametrize(
    "key", ["", "0192f0c1-0000-7000-8000-000000000001", "core|北京分行 001", "k" * KEY_LENGTH, "\u202e", "a…b", "a#b"]
)
def test_7_1_a_usual_key_is_stored_as_it_is(key: str) -> None:
    assert stored_key(key) == key


@pytest.mark.parametrize(
    "key", ["k" * (KEY_LENGTH + 1), "k" * 5_000, "a\0b", "\0", "张" * 300, "😀" * 2_048, "short…#" + "0" * 32]
)
def test_7_1_any_other_key_is_stored_bounded_with_a_digest(key: str) -> None:
    stored = stored_key(key)
    assert len(stored) <= KEY_LENGTH
    assert len(stored.encode()) <= 4 * KEY_LENGTH
    assert "\0" not in stored
    assert stored != key


def test_7_1_different_keys_are_stored_differently() -> None:
    keys = ["k" * 5_000, "k" * 4_999, "k" * 4_999 + "l", "a\0b", "a\N{SYMBOL FOR NULL}b", "a\0", "\0a"]
    keys += [stored_key(key) for key in keys if stored_key(key) != key]  # a forged short form of a long key
    assert len({stored_key(key) for key in keys}) == len(set(keys))


@pytest.mark.parametrize(
    ("text", "stored"),
    [("rule: none", "rule: none"), ("a\0b", "a\N{SYMBOL FOR NULL}b"), ("x" * 30, "x" * 20), ("\ud800x", "?x"), ("", "")],
)
def test_7_1_a_text_is_stored_bounded_and_storable(text: str, stored: str) -> None:
    assert stored_text(text, 20) == stored
