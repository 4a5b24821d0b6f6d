"""Names in which everything is seen, and masks: tables of values by Unicode 16 and RFC 5892, not by the code."""

import json
from typing import Any

import pytest
from guanxi_common.errors import InvalidInput
from guanxi_common.http.bodies import Body, Line, Prose, parse_body
from guanxi_common.text import is_readable_line, masked, says_something
from pydantic import TypeAdapter

ZWNJ, ZWJ = "\u200c", "\u200d"
KEPT = {
    "Han": "李明",
    "Han with the middle dot of a transcribed name": "买买提·艾力",
    "rare Han of extension A": "㐀",
    "rare Han of extension B": "𠀀𪚥",
    "rare Han of extension G": "\U00030000",
    "rare Han of extension H, which Unicode 14 does not know": "\U00031350",
    "rare Han of extension J, which came with Unicode 17": "\U000323b0",
    "the first of plane 2 that nobody has assigned": "\U0002a6e0",
    "compatibility ideograph": "\ufa0e",
    "registered variant of a Han name": "葛\U000e0100",
    "standardised variant": "\u4fae\ufe00",
    "Latin with accents, composed and not": "Dvořák Dvor\u030ca\u0301k",
    "spaces of several kinds": "Li\u00a0Wei\u3000李",
    "apostrophe and hyphen": "O\u2019Brien-Smith",
    "Persian, joined by nothing": f"می{ZWNJ}خواهم",
    "Persian with vowels on both sides": f"مِ{ZWNJ}خَواهم",
    "Uyghur": "ئابدۇللا",
    "Hindi half form": f"क्{ZWJ}ष",
    "Hindi without a ligature": f"क्{ZWNJ}ष",
    "Malayalam chillu": f"അവന്{ZWJ}",
    "Bengali ya-phalaa": f"র{ZWJ}\u09cdযাব",
    "Sinhala": f"ශ්{ZWJ}රී",
    "Mongolian with its vowel separator": "\u1821\u1836\u180e\u1820",
    "Mongolian variant": "\u1828\u180b",
    "Tibetan": "བསྟན་འཛིན",
    "Yi": "ꀀꁈ",
    "Hangul": "김민준",
    "a symbol": "A & B © 2026",
}
REFUSED = {
    "U+0000": "Li\x00Wei",
    "new line": "Li\nWei",
    "next line": "Li\x85Wei",
    "delete": "Li\x7fWei",
    "line separator": "Li\u2028Wei",
    "paragraph separator": "Li\u2029Wei",
    "soft hyphen": "Li\u00adWei",
    "zero-width space": "Li\u200bWei",
    "word joiner": "Li\u2060Wei",
    "byte order mark": "\ufeffLi",
    "left-to-right mark": "Li\u200eWei",
    "right-to-left override": "Li\u202eieW",
    "right-to-left embedding": "\u202bLi",
    "pop formatting": "Li\u202c",
    "isolate": "\u2067Li\u2069",
    "Arabic letter mark": "Li\u061c",
    "language tag": "Li\U000e0041",
    "unassigned ignorable": "Li\U000e0fff",
    "private use": "Li\ue000",
    "private use of plane 15": "Li\U000f0000",
    "Hangul filler": "Li\u3164",
    "half-width Hangul filler": "\uffa0",
    "empty Braille cell": "\u2800",
    "combining grapheme joiner": "Li\u034fWei",
    "interlinear annotation": "Li\ufff9",
    "joiner between Latin letters": f"Li{ZWJ}Wei",
    "non-joiner between Latin letters": f"Li{ZWNJ}Wei",
    "non-joiner between Han": f"李{ZWNJ}明",
    "joiner alone": ZWJ,
    "non-joiner at the end of Persian": f"می{ZWNJ}",
    "non-joiner before Persian": f"{ZWNJ}می",
    "joiner between Persian letters": f"م{ZWJ}ی",
    "two joiners": f"क्{ZWJ}{ZWJ}ष",
    "Mongolian separator behind Latin": "Li\u180eWei",
    "Han variant behind Latin": "Li\U000e0100",
    "variant behind a variant": "葛\U000e0100\U000e0101",
    "emoji variant": "A\ufe0f",
    "lone surrogate": "Li\ud800",
}
MASKED = {
    "": "",
    "7": "*",
    "78": "*8",
    "789": "**9",
    "7890": "**90",
    "67890": "***90",
    "567890": "***890",
    "4567890": "****890",
    "34567890": "****7890",
    "234567890": "*****7890",
    "110101199003077758": "**************7758",
    "+8613800138000": "**********8000",
    "ab@cd": "***cd",
}


class _Named(Body):
    name: Line


def _parse(name: str) -> Any:
    return parse_body(TypeAdapter(_Named), json.dumps({"name": name}).encode()).name


@pytest.mark.parametrize("name", KEPT.values(), ids=KEPT.keys())
def test_what_scripts_need_stays(name: str) -> None:
    assert _parse(name) == name


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED.keys())
def test_what_nobody_sees_or_turns_the_order_around_is_refused(name: str) -> None:
    assert not is_readable_line(name)
    with pytest.raises(InvalidInput):
        _parse(name)


def test_the_refusal_says_where_and_why() -> None:
    with pytest.raises(InvalidInput) as refused:
        _parse(REFUSED["right-to-left override"])
    [error] = refused.value.errors
    assert (error.pointer, error.code) == ("/name", "unreadable_character")


@pytest.mark.parametrize(("number", "shown"), MASKED.items())
def test_a_mask_shows_the_last_four_and_never_more_than_half(number: str, shown: str) -> None:
    assert masked(number) == shown
    assert sum(character != "*" for character in shown) * 2 <= len(number)


BLANK = {
    "nothing": "",
    "spaces": "   ",
    "tab and new lines": "\t\r\n\x0b\x0c",
    "no-break space": "\u00a0",
    "ideographic space": "\u3000",
    "every space of Unicode": "\u1680\u2000\u2005\u200a\u202f\u205f",
    "zero-width space": "\u200b",
    "joiners": f"{ZWNJ}{ZWJ}",
    "word joiner and byte order mark": "\u2060\ufeff",
    "soft hyphen": "\u00ad",
    "direction marks": "\u200e\u202e\u2066",
    "Hangul fillers": "\u115f\u3164\uffa0",
    "empty Braille cell": "\u2800",
    "an accent without a letter": " \u0301",
    "a variation selector": "\ufe0f",
    "a tag": "\U000e0041",
    "controls": "\x01\x7f\x85",
}
SPOKEN_TEXTS = [
    "。",
    "?",
    "0",
    "ｏ",
    "李",
    "\U000323b0",
    "\ue000",
    "😀",
    "é",
    "e\u0301",
    " x ",
    f"می{ZWNJ}خواهم",
    "\u200bx",
    "कि",
    "€",
]


@pytest.mark.parametrize("text", BLANK.values(), ids=BLANK.keys())
def test_d1_blank_text_says_nothing(text: str) -> None:
    assert not says_something(text)


@pytest.mark.parametrize("text", SPOKEN_TEXTS)
def test_d1_one_character_that_is_seen_says_something(text: str) -> None:
    assert says_something(text)


class Told(Body):
    prose: Prose
    line: Line = "a line"


def test_d1_blank_text_is_refused_with_its_place() -> None:
    for text in BLANK.values():
        with pytest.raises(InvalidInput) as refusal:
            parse_body(TypeAdapter(Told), json.dumps({"prose": text, "line": text}).encode())
        assert {error.pointer for error in refusal.value.errors} == {"/prose", "/line"} or "\x00" in text


def test_d1_what_is_said_is_kept_without_the_white_space_around_it() -> None:
    body = parse_body(TypeAdapter(Told), json.dumps({"prose": "\u3000two\n lines \n", "line": "\u00a0王 明 "}).encode())
    assert (body.prose, body.line) == ("two\n lines", "王 明")
