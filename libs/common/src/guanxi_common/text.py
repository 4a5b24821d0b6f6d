"""What a line of text may hold, and how much of a number a mask shows. Pure.

A name is compared by eye, stands in lists and ends up in log lines. So a character that nobody sees, or that turns the reading order
around, has no place in it: two names that look the same would be two. Refused are control characters (Cc), format characters (Cf: the
bidirectional controls, zero-width space, byte order mark, tags), surrogates and private use (Cs, Co), line and paragraph separators, and
the letters and marks that Unicode calls default-ignorable or that are drawn blank (Hangul fillers, the empty Braille cell). A text that
must say something needs one character at least that is seen (`says_something`).

What a script cannot be written without stays, in the one place where it does something:

| Character | Stays | For |
|---|---|---|
| zero-width non-joiner U+200C | behind a virama, or between two Arabic letters | Indic scripts, Persian (RFC 5892, appendix A.1) |
| zero-width joiner U+200D | behind a virama, or between a letter and a virama | Indic scripts (RFC 5892, A.2), Bengali ya-phalaa |
| Mongolian vowel separator and variation selectors | behind a Mongolian letter | traditional Mongolian |
| variation selectors U+FE00 to U+FE02, U+E0100 to U+E01EF | behind a Han character | the variant in which a rare name is registered |

Han characters are never refused, nor is a code point that this version of Unicode does not know yet: the next extension brings the
rare characters (生僻字) of tomorrow's customers.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

MASKED_TAIL: Final = 4
"""So many characters at the end are enough to compare with the paper on the desk."""

_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_UNSEEN_CATEGORIES: Final = _REFUSED_CATEGORIES - {"Co"} | {"Zs", "Mn", "Me", "Mc"}
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0")
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_VIRAMA: Final = 9
"""The canonical combining class of all viramas."""
_MONGOLIAN_MARKS: Final = frozenset("\u180b\u180c\u180d\u180e\u180f")
_STANDARD_VARIANTS: Final = frozenset("\ufe00\ufe01\ufe02")


def is_readable_line(text: str) -> bool:
    """Whether all of the text is seen, in the order in which it stands, on one line."""
    return (text.isascii() and text.isprintable()) or all(_stays(text, place) for place in range(len(text)))


def says_something(text: str) -> bool:
    """Whether anything of the text is seen: more than white space, marks without a letter, and characters that show nothing."""
    return any(_is_seen(character) for character in text)


def masked(number: str) -> str:
    """The number with a star for each character but the last four, and never more than half of it to be read."""
    shown = min(MASKED_TAIL, len(number) // 2)
    return "*" * (len(number) - shown) + number[len(number) - shown :]


def _is_seen(character: str) -> bool:
    unseen = unicodedata.category(character) in _UNSEEN_CATEGORIES
    return not (unseen or character.isspace() or character in _BLANK or _is_ignorable(character))


def _stays(text: str, place: int) -> bool:
    character = text[place]
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if character == _NON_JOINER:
        neighbours = (_first_base(reversed(text[:place])), _first_base(text[place + 1 :]))
        return _is_virama(before) or all(_is_arabic(letter) for letter in neighbours)
    if character == _JOINER:
        return _is_virama(before) or (before.isalpha() and _is_virama(after))
    if character in _MONGOLIAN_MARKS:
        return "\u1820" <= before <= "\u18aa"
    if character in _STANDARD_VARIANTS or "\U000e0100" <= character <= "\U000e01ef":
        return _is_han(before)
    return character not in _BLANK and not _is_ignorable(character) and unicodedata.category(character) not in _REFUSED_CATEGORIES


def _first_base(characters: Iterable[str]) -> str:
    """The first that is no combining mark; empty where there is none."""
    return next((character for character in characters if not unicodedata.combining(character)), "")


def _is_virama(character: str) -> bool:
    return bool(character) and unicodedata.combining(character) == _VIRAMA


def _is_arabic(character: str) -> bool:
    """A letter of the scripts whose letters join: Arabic with its extensions, Syriac."""
    return bool(character) and unicodedata.bidirectional(character) == "AL"


def _is_han(character: str) -> bool:
    """Of the blocks of ideographs, with those that are to come in planes 2 and 3."""
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or "\U00020000" <= character <= "\U0003ffff"


def _is_ignorable(character: str) -> bool:
    """Default-ignorable code points, assigned or not, that have a category of letters or marks, or none."""
    return "\ufe00" <= character <= "\ufe0f" or "\ufff0" <= character <= "\ufff8" or "\U000e0000" <= character <= "\U000e0fff"
