"""Sealed values open in their own place and under their own key only; blind indexes match through a rotation."""

import json
from uuid import UUID

import pytest
from guanxi_common.keys.store import Cipher, DataKey
from guanxi_common.keys.wrapping import CannotUnwrap, LocalKeyWrapper
from guanxi_common.security import sm4
from guanxi_common.security.blind_index import BlindIndex, _by_sm3
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
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    sealed = sm4.encrypt(key, nonce, plain, associated)
    assert sealed.hex().startswith("17f399f08c67d5ee19d0dc9969c4bb7d")
    assert sealed[-16:].hex() == "83de3541e4c2b58177e065a9bf7b62ec"
    assert sm4.decrypt(key, nonce, sealed, associated) == plain


def test_the_index_by_sm3_gives_the_test_vector_of_gm_t_0042() -> None:
    """GM/T 0042-2015, appendix D.3."""
    key, text = bytes(range(1, 33)), "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2
    assert _by_sm3(key, text).hex() == "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"


@pytest.mark.parametrize("cipher", CIPHERS)
def test_what_either_cipher_has_indexed_is_found(cipher: Cipher) -> None:
    secrets = {2: b"b" * 32, 1: b"a" * 32}
    now, before = BlindIndex("phone", secrets, cipher=cipher), [BlindIndex("phone", {1: b"a" * 32}, cipher=c) for c in CIPHERS]
    assert {index.index("x") for index in before} <= set(now.candidates("x"))
    assert now.candidates("x")[0] == now.index("x")
    assert before[0].index("x") != before[1].index("x")
    assert len(now.index("x")) == 33


@pytest.mark.anyio
@pytest.mark.parametrize("cipher", CIPHERS)
async def test_what_either_cipher_has_wrapped_is_unwrapped(cipher: Cipher) -> None:
    masters, material = {"2": b"b" * 32, "1": b"a" * 32}, bytes(range(32))
    now = LocalKeyWrapper(masters, cipher=cipher)
    for before in CIPHERS:
        wrapped = await LocalKeyWrapper({"1": b"a" * 32}, cipher=before).wrap(material, b"row")
        assert await now.unwrap(wrapped, "1", b"row") == material
        for broken in (wrapped[:-1], wrapped[1:], b"", wrapped[:20] + bytes((wrapped[20] ^ 1,)) + wrapped[21:]):
            with pytest.raises(CannotUnwrap):
                await now.unwrap(broken, "1", b"row")
        with pytest.raises(CannotUnwrap):
            await now.unwrap(wrapped, "1", b"another row")
    assert len(await now.wrap(material, b"row")) == {"aes-256-gcm": 60, "sm4-gcm": 61}[cipher]


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
