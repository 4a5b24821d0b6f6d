"""D12: one bad item of a batch refuses no other; what is wrong with the whole still refuses it."""

from typing import Annotated

import msgspec
import pytest
from guanxi_common.errors import InvalidInput, MalformedBody
from guanxi_common.http.hot_bodies import BatchDecoder


class Item(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=5)]
    amount: Annotated[int, msgspec.Meta(ge=-9, le=9)] = 0


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=4)]


DECODER = BatchDecoder(Batch)
GOOD = '{"name":"good"}'


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ('{"name":"too long"}', "/name"),
        ('{"name":5}', "/name"),
        ('{"name":null}', "/name"),
        ('{"name":"a","amount":10}', "/amount"),
        ('{"name":"a","amount":1e999}', ""),
        ('{"name":"a","amount":9223372036854775808}', ""),
        ('{"name":"a\\u0000"}', ""),
        ('{"name":"\\ud800"}', ""),
        ('{"name":"a","role":"x"}', ""),
        ("{}", ""),
        ("[]", ""),
        ("null", ""),
        ('"text"', ""),
    ],
)
def test_d12_a_bad_item_is_refused_alone_in_its_place(bad: str, pointer: str) -> None:
    batch, unreadable = DECODER.decode(f'{{"items":[{GOOD},{bad},{GOOD}]}}'.encode())
    assert batch.items == [Item("good"), Item("good")]
    assert unreadable == {1: pointer}


def test_d12_every_item_may_be_bad() -> None:
    assert DECODER.decode(b'{"items":[1,{"name":"a","x":1}]}') == (Batch([]), {0: "", 1: ""})


@pytest.mark.parametrize(
    "whole",
    [
        '{"items":[]}',
        f'{{"items":[{GOOD},{GOOD},{GOOD},{GOOD},{GOOD}]}}',
        f'{{"items":[{GOOD},1,{GOOD},{GOOD},{GOOD}]}}',
        f'{{"items":[{GOOD},1],"note":[]}}',
        '{"items":{}}',
        '{"items":null}',
        "[1]",
        "",
    ],
)
def test_d12_the_frame_of_a_batch_is_as_strict_as_ever(whole: str) -> None:
    with pytest.raises(InvalidInput):
        DECODER.decode(whole.encode())


@pytest.mark.parametrize(
    "whole",
    [
        f'{{"items":[{GOOD},1],"items":[{GOOD}]}}',
        f'{{"items":[{GOOD},{{"name":"a","name":"b","x":NaN}}]}}',
        '{"items":[NaN,{"name":"a","name":"b"}]}',
        f'{{"items":[{GOOD},1',
        f'{{"items":[1,{GOOD},]}}',
        '{"items":[1,' + "[" * 70 + "]" * 70 + "]}",
    ],
)
def test_d12_what_is_no_document_is_refused_whole(whole: str) -> None:
    with pytest.raises(MalformedBody):
        DECODER.decode(whole.encode())
