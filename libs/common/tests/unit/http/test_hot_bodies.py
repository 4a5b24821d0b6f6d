"""The hot decoder refuses exactly what the strict reading refuses, and what it cannot be strict about it does not accept as a type."""

import json
from datetime import date
from typing import Annotated

import msgspec
import pytest
from guanxi_common.errors import DomainError, InvalidInput, MalformedBody
from guanxi_common.http.bodies import strict_json
from guanxi_common.http.hot_bodies import HotDecoder
from hypothesis import given
from hypothesis import strategies as st

Amount = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Money(msgspec.Struct, forbid_unknown_fields=True):
    amount: Amount
    currency: str


class Item(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    money: Money | None = None
    code: str | msgspec.UnsetType = msgspec.UNSET
    booked_on: date | None = None


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    items: list[Item]
    note: str | None = None
    language: str = "zh"


DECODER = HotDecoder(Batch)
PLAIN = msgspec.json.Decoder(Batch)

texts = st.sampled_from(["", "a", ":", '":', '\\":', '" :', "李", "\\u0041", "\0", "\ud800", "source"])
gaps = st.sampled_from(["", " ", "\n", "\t \r"])


@st.composite
def objects(draw, members: dict[str, st.SearchStrategy[str]]) -> str:
    """An object with some of the members, perhaps twice, in any order and spacing, keys perhaps written with an escape."""
    names = draw(st.lists(st.sampled_from(sorted(members)), max_size=len(members) + 1))
    parts = []
    for name in names:
        key = draw(st.sampled_from([f'"{name}"', f'"\\u{ord(name[0]):04x}{name[1:]}"']))
        parts.append(f"{draw(gaps)}{key}{draw(gaps)}:{draw(gaps)}{draw(members[name])}{draw(gaps)}")
    return "{" + ",".join(parts) + "}"


strings = texts.map(lambda text: json.dumps(text, ensure_ascii=len(text) < 3))
money = objects({"amount": st.sampled_from(["1", "-9223372036854775808", "9223372036854775808"]), "currency": strings})
item = objects({"source": strings, "money": money | st.just("null"), "code": strings, "booked_on": st.just('"2026-11-23"')})
languages = st.sampled_from(['"zh"', '"en"'])
lists = st.lists(item, max_size=3).map(lambda items: "[" + ",".join(items) + "]")
batches = objects({"items": lists, "note": strings, "language": languages})


def accepts(read, body: bytes) -> bool:
    try:
        read(body)
    except (DomainError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


@given(batches)
def test_it_accepts_what_both_the_strict_reading_and_the_struct_accept(text):
    body = text.encode("utf-8", "surrogatepass")
    assert accepts(DECODER.decode, body) == (accepts(strict_json, body) and accepts(PLAIN.decode, body))


def test_what_is_missing_or_unknown_is_pointed_to():
    with pytest.raises(InvalidInput) as raised:
        DECODER.decode(b'{"items":[{"source":"s"},{"source":"s","money":{"amount":"1","currency":"CNY"}}]}')
    assert raised.value.errors[0].pointer == "/items/1/money/amount"


def test_a_duplicate_key_among_a_thousand_items_is_found():
    items = [{"source": "core", "money": {"amount": i, "currency": "CNY"}} for i in range(1000)]
    body = json.dumps({"items": items}).encode()
    assert len(DECODER.decode(body).items) == 1000
    with pytest.raises(MalformedBody):
        DECODER.decode(body.replace(b'"amount": 777,', b'"amount": 777, "amount": 0,'))


class Lenient(msgspec.Struct):
    name: str


class Unbounded(msgspec.Struct, forbid_unknown_fields=True):
    number: int


class Mapped(msgspec.Struct, forbid_unknown_fields=True):
    numbers: dict[str, str]


class Defaulted(msgspec.Struct, forbid_unknown_fields=True):
    names: list[str] = []


class Tagged(msgspec.Struct, forbid_unknown_fields=True, tag=True):
    name: str


@pytest.mark.parametrize("struct", [Lenient, Unbounded, Mapped, Defaulted, Tagged])
def test_a_type_that_cannot_be_checked_is_refused_when_the_route_is_built(struct):
    with pytest.raises(TypeError):
        HotDecoder(struct)
