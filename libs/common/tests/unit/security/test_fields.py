"""Sealed values open in their own place and under their own key only; blind indexes match through a rotation."""

import json
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from guanxi_common.keys.store import Cipher, DataKey
from guanxi_common.security.blind_index import BlindIndex
from guanxi_common.security.fields import Place, SealBroken, reseal, seal, seal_json, unseal, unseal_json
from hypothesis import given
from hypothesis import strategies as st

ROW = UUID(int=7)
PLACE = Place("customer_contact", "identity", ROW)
CIPHERS: list[Cipher] = ["aes-256-gcm", "sm4-gcm"]


def data_key(number: int = 1, cipher: Cipher = "aes-256-gcm", *predecessors: DataKey) -> DataKey:
    return DataKey(UUID(int=number), cipher, bytes((number,)) * 32, predecessors)


@pytest.mark.parametrize("cipher", CIPHERS)
@given(text=st.text())
def test_what_is_sealed_opens(cipher: Cipher, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    key = data_key(cipher=cipher)
    assert unseal(seal(text, key, PLACE), key, PLACE) == text


@pytest.mark.parametrize("cipher", CIPHERS)
def test_the_same_value_never_seals_alike_nor_shows(cipher: Cipher) -> None:
    key = data_key(cipher=cipher)
    first, second = seal("110101199003074530", key, PLACE), seal("110101199003074530", key, PLACE)
    assert first != second
    assert b"110101199003074530" not in first
    assert len(first) == 18 + 12 + 18 + 16


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_change_of_any_byte_is_noticed(cipher: Cipher) -> None:
    key = data_key(cipher=cipher)
    sealed = seal("+8613800138000", key, PLACE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            unseal(bytes(changed), key, PLACE)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            unseal(sealed[:length], key, PLACE)


@pytest.mark.parametrize(
    "place",
    [
        Place("customer", "identity", ROW),
        Place("customer_contact", "phone", ROW),
        Place("customer_contact", "identity", UUID(int=8)),
        Place("customer_contactidentity", "", ROW),
    ],
)
def test_a_value_moved_elsewhere_does_not_open(place: Place) -> None:
    with pytest.raises(SealBroken):
        unseal(seal("x", data_key(), PLACE), data_key(), place)


def test_another_key_does_not_open_even_under_the_same_id() -> None:
    sealed = seal("x", data_key(), PLACE)
    with pytest.raises(SealBroken):
        unseal(sealed, data_key(2), PLACE)
    with pytest.raises(SealBroken):
        unseal(sealed, DataKey(UUID(int=1), "aes-256-gcm", b"y" * 32), PLACE)


def test_a_predecessor_opens_and_resealing_moves_to_the_current_key() -> None:
    former = data_key(1)
    current = data_key(2, "sm4-gcm", former)
    old = seal("赵钱孙", former, PLACE)
    assert unseal(old, current, PLACE) == "赵钱孙"
    new = reseal(old, current, PLACE)
    assert new is not None
    assert unseal(new, data_key(2, "sm4-gcm"), PLACE) == "赵钱孙"
    assert reseal(new, current, PLACE) is None


def test_an_event_field_is_url_safe_json() -> None:
    key, place = data_key(), Place("customer.snapshots", "sealed", ROW)
    value = {"display_name": "欧阳修", "birth_date": "1990-03-07"}
    sealed = seal_json(value, key, place)
    assert unseal_json(sealed, key, place) == value
    assert json.loads(json.dumps(sealed)) == sealed
    assert set(sealed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    for broken in ("", "%", sealed[:-4], "B" + sealed[1:]):
        with pytest.raises(SealBroken):
            unseal_json(broken, key, place)


def test_a_key_does_not_show_in_its_text() -> None:
    assert "\\x01\\x01" not in repr(data_key(2, "aes-256-gcm", data_key(1)))


def test_sm4_gcm_gives_the_test_vector_of_rfc_8998() -> None:
    """RFC 8998, appendix A.1."""
    key, nonce = bytes.fromhex("0123456789abcdeffedcba9876543210"), bytes.fromhex("00001234567800000000abcd")
    plain = bytes.fromhex("aa" * 8 + "bb" * 8 + "cc" * 8 + "dd" * 8 + "ee" * 8 + "ff" * 8 + "ee" * 8 + "aa" * 8)
    encryptor = BlockCipher(SM4(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
    body = encryptor.update(plain) + encryptor.finalize()
    assert body.hex().startswith("17f399f08c67d5ee19d0dc9969c4bb7d")
    assert encryptor.tag.hex() == "83de3541e4c2b58177e065a9bf7b62ec"


def test_an_index_is_exact_and_of_its_field_alone() -> None:
    secrets = {1: b"s" * 32}
    phone = BlindIndex("phone", secrets)
    assert phone.index("+8613800138000") == phone.index("+8613800138000")
    assert phone.index("+8613800138000") != phone.index("+8613800138001")
    assert phone.index("x") != BlindIndex("email", secrets).index("x")
    assert len(phone.index("x")) == 33


def test_both_versions_are_looked_up_during_a_rotation() -> None:
    old, new = BlindIndex("phone", {1: b"a" * 32}), BlindIndex("phone", {2: b"b" * 32, 1: b"a" * 32})
    assert old.index("x") in new.candidates("x")
    assert new.index("x") in new.candidates("x")
    assert new.is_current(new.index("x"))
    assert not new.is_current(old.index("x"))


@pytest.mark.parametrize("secrets", [{}, {1: b"short"}, {0: b"s" * 32}, {256: b"s" * 32}])
def test_unfit_index_secrets_are_refused(secrets: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="secret"):
        BlindIndex("phone", secrets)
