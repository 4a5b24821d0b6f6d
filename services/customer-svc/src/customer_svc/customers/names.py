"""How names are searched (D13): one folding and one set of terms for what is stored and for what is typed. Pure.

A name is a row of *units*: a Han character (or another of a script that is written without spaces) or a word. What is typed matches
where it spells units that follow each other: each by the character, by a whole reading in pinyin, or by the initial; the last one also
by the beginning of a reading. Words that are typed with a space between them may stand anywhere and in any order.

Terms stand for two neighbouring units, `forms(a)·forms(b)`, and for one alone, so that an index on arrays of terms answers. A name of a
bank's length has some hundred of them.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import groupby, pairwise, product
from typing import Final
from unicodedata import category, combining, normalize

import opencc
from pypinyin import Style, pinyin
from pypinyin.contrib.tone_convert import to_normal
from pypinyin.pinyin_dict import pinyin_dict

TERMS_VERSION: Final = 2
"""Rows with terms of an older version are indexed anew by a job."""

MOST_ALTERNATIVES: Final = 32
"""Ways to cut what was typed into syllables and initials, the ones with the fewest units first."""

_LONGEST_WORD: Final = 40
_JOINT: Final = "·"

# Letters that Unicode does not decompose, as they are spelled without the letter (ICAO 9303 part 3, section 6).
_UNDECOMPOSED: Final = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h"}
)
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

# Characters kept for names by the list of 2013 (通用规范汉字表) and typed as the usual one.
_VARIANTS: Final = {"锺": "钟", "甯": "宁", "馀": "余"}

_INITIALS: Final = frozenset("bpmfdtnlgkhjqxrzcsywaoe") | {"zh", "ch", "sh"}


def fold(text: str) -> str:
    """The text as search compares it: NFKC, case folded, without accents, traditional characters as simplified ones."""
    folded = normalize("NFKC", text).casefold().translate(_UNDECOMPOSED)
    plain = "".join(character for character in normalize("NFKD", folded) if not combining(character))
    return "".join(_simplified(character) for character in normalize("NFKC", plain))


def name_terms(name: str) -> list[str]:
    """The terms under which a name is found, sorted."""
    terms: set[str] = set()
    for spelling in {normalize("NFKC", name).casefold(), normalize("NFKC", name).casefold().translate(_UMLAUTS)}:
        for row in _rows(fold(spelling)):
            terms.update(_row_terms(row))
    return sorted(terms)


def query_terms(query: str) -> list[list[list[str]]]:
    """What a name must hold to match: for each word that was typed its alternatives, each of them terms that all must be there.

    Empty where nothing was typed that names are made of: spaces, punctuation.
    """
    words = [word for word in (_letters(part) for part in fold(query).split()) if word]
    return [_alternatives(word) for word in words]


# What is stored.


def _rows(folded: str) -> Iterator[list[str]]:
    """Rows of units: the characters of a script without spaces, punctuation ignored, and the words, each also joined with the others."""
    unspaced = [character for character in folded if _is_unspaced(character)]
    if unspaced:
        yield unspaced
    spaced = "".join(" " if _is_unspaced(character) else character for character in folded)
    words = [word for word in (_letters(part) for part in spaced.split()) if word]
    pieces = [piece for piece in re.split(r"[\W_]+", spaced) if piece]
    for word in dict.fromkeys([*words, *pieces, "".join(words)]):
        if word:
            yield [word]


def _row_terms(row: Sequence[str]) -> Iterator[str]:
    ends = [_last_forms(unit) for unit in row]
    for end in ends:
        yield from end
    for unit, end in zip(row, ends[1:], strict=False):
        yield from (f"{first}{_JOINT}{second}" for first, second in product(_whole_forms(unit), end))


def _whole_forms(unit: str) -> frozenset[str]:
    """How a unit is spelled that another one follows: itself, a reading, or an initial."""
    if not _is_unspaced(unit):
        return frozenset({unit})
    readings = _readings(unit)
    return frozenset({unit, *readings, *(_initial(reading) for reading in readings), *(reading[0] for reading in readings)})


def _last_forms(unit: str) -> frozenset[str]:
    """How the last unit is spelled: also by any beginning."""
    if not _is_unspaced(unit):
        return frozenset(unit[:length] for length in range(1, min(len(unit), _LONGEST_WORD) + 1))
    return frozenset({unit, *(reading[:length] for reading in _readings(unit) for length in range(1, len(reading) + 1))})


@lru_cache(maxsize=30_000)
def _readings(character: str) -> frozenset[str]:
    """All readings of a character in pinyin without tones, each ü as v, u and yu."""
    if not _is_han(character):
        return frozenset()
    listed = [str(to_normal(syllable, v_to_u=True)) for syllable in pinyin(character, heteronym=True, style=Style.TONE)[0]]
    spelled = {reading.replace("ü", u) for reading in listed for u in ("v", "u", "yu")}
    return frozenset(spelling for spelling in spelled if spelling.isascii() and spelling.isalpha())


def _initial(reading: str) -> str:
    return reading[:2] if reading[:2] in _INITIALS else reading[0]


# What is typed.


def _alternatives(word: str) -> list[list[str]]:
    """The ways to read one typed word. As pinyin where its letters can be, and as a word of another script."""
    runs = ["".join(run) for run in _runs(word)]
    ways: list[tuple[str, ...]] = [()]
    for run in runs:
        cuts = _cuts(run) if _may_be_pinyin(run) else [(run,)]
        ways = sorted(((*way, *cut) for way in ways for cut in cuts), key=len)[:MOST_ALTERNATIVES]
    by_script = [list(group) for _, group in groupby(runs, key=_is_unspaced)]
    as_words = [term for group in by_script for term in _query_row(group)]
    unique = dict.fromkeys(tuple(sorted(set(terms))) for terms in (*map(_query_row, ways), as_words))
    return [list(terms) for terms in unique]


def _query_row(units: Sequence[str]) -> list[str]:
    if len(units) == 1:
        return [units[0][:_LONGEST_WORD]]
    return [f"{first}{_JOINT}{second}" for first, second in pairwise(units)]


def _runs(word: str) -> Iterator[list[str]]:
    """The word cut where its script changes: each unspaced character alone, letters together."""
    letters: list[str] = []
    for character in word:
        if not _is_unspaced(character):
            letters.append(character)
            continue
        if letters:
            yield letters
            letters = []
        yield [character]
    if letters:
        yield letters


def _may_be_pinyin(run: str) -> bool:
    return run.isascii() and run.isalpha()


@lru_cache(maxsize=4_096)
def _cuts(run: str) -> list[tuple[str, ...]]:
    """The ways to cut letters into syllables and initials, the last part being the beginning of a syllable; the fewest parts first."""
    ways: list[list[tuple[str, ...]]] = [[()]]
    for end in range(1, len(run) + 1):
        last = end == len(run)
        found: list[tuple[str, ...]] = []
        for begin in range(max(0, end - 6), end):
            part = run[begin:end]
            if part in _syllables() or part in _INITIALS or (last and part in _beginnings()):
                found += [(*way, part) for way in ways[begin]]
        ways.append(sorted(found, key=len)[:MOST_ALTERNATIVES])
    return ways[-1]


@cache
def _syllables() -> frozenset[str]:
    """Every reading that a character of the dictionary has."""
    listed = {str(to_normal(tone, v_to_u=True)) for readings in pinyin_dict.values() for tone in readings.split(",")}
    return frozenset(s.replace("ü", u) for s in listed for u in ("v", "u", "yu") if s.replace("ü", u).isascii())


@cache
def _beginnings() -> frozenset[str]:
    return frozenset(syllable[:length] for syllable in _syllables() for length in range(1, len(syllable) + 1))


# Characters.


def _letters(part: str) -> str:
    """The part without punctuation and symbols: letters, digits, marks."""
    return "".join(character for character in part if category(character)[0] in "LNM")


def _is_unspaced(character: str) -> bool:
    """Whether the script of the first character is written without spaces, so that any part of a name may be typed."""
    first = character[0]
    return _is_han(first) or (any(low <= first <= high for low, high in _UNSPACED) and category(first)[0] in "LMN")


_HAN: Final = (("\u3400", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U000323af"))
_UNSPACED: Final = (("\u3040", "\u30ff"), ("\uac00", "\ud7a3"), ("\u0e00", "\u0e7f"), ("\ua000", "\ua4cf"), ("\u1100", "\u11ff"))


def _is_han(character: str) -> bool:
    return character == "〇" or any(first <= character <= last for first, last in _HAN)


@lru_cache(maxsize=30_000)
def _simplified(character: str) -> str:
    """One character at a time, so that a part of a name folds as the whole does."""
    if not _is_han(character):
        return character
    simplified = str(_converter().convert(character))
    return _VARIANTS.get(simplified, simplified)


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
