"""Whether a key of 32 bytes looks drawn at random. Pure.

No test can prove randomness: this one refuses what people write, pad, repeat or count, and what they encode of that. A key of
`os.urandom` is refused with a probability below 1 in 10^8 (each rule's own is beside it). A hash of a word passes: whoever makes keys
uses `openssl rand -base64 32`.
"""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, groupby, pairwise
from typing import Final

KEY_BYTES: Final = 32
_LEAST_DISTINCT_BYTES: Final = 18
_LONGEST_RUN: Final = 5
_MOST_EQUAL_STEPS: Final = 9
_MOST_PRINTABLE: Final = 28
_LEAST_DISTINCT_CHARACTERS: Final = 18
_MOST_NEIGHBOURS_OF_A_KIND: Final = 34


def flaw_of_key(key: bytes) -> str | None:
    """Why the key of `KEY_BYTES` bytes does not look random; None where it does."""
    if _is_text(key):  # 5e-10
        return "is text"
    if len(set(key)) < _LEAST_DISTINCT_BYTES:  # 1e-13; half a key and its copy or mirror have sixteen at most
        return "has too few different bytes"
    if max(len(list(run)) for _, run in groupby(key)) > _LONGEST_RUN:  # 3e-11
        return "repeats a byte"
    if _counts(key):  # 2e-14
        return "is a sequence"
    if _has_a_constant_bit(key):  # 4e-9
        return "uses only a part of the values of a byte"
    if _reads_as_words(base64.b64encode(key).decode().rstrip("=")):  # 3e-9
        return "was written rather than drawn"
    return None


def shared_keys(keys: Mapping[str, Sequence[bytes]]) -> list[str]:
    """Sentences on keys that stand twice, or share a half, within a setting or between two: each use needs a key of its own."""
    named = [(name, key) for name, ring in keys.items() for key in ring]
    problems = []
    for (name, key), (other, again) in combinations(named, 2):
        half = KEY_BYTES // 2
        if key[:half] == again[:half] or key[half:] == again[half:]:
            problems.append(f"{name} holds a key twice" if name == other else f"{name} and {other} share a key")
    return list(dict.fromkeys(problems))


def _counts(key: bytes) -> bool:
    """Whether many steps, or steps of steps, are equal: counting up or down, by squares, in pieces."""
    steps = _steps(key)
    return any(Counter(series).most_common(1)[0][1] > _MOST_EQUAL_STEPS for series in (steps, _steps(steps)))


def _steps(values: Iterable[int]) -> list[int]:
    return [(later - earlier) % 256 for earlier, later in pairwise(values)]


def _is_text(key: bytes) -> bool:
    """Words, digits, hexadecimal or base64 text in ASCII; Chinese in UTF-8 or GB 18030."""
    if sum(0x20 <= byte < 0x7F for byte in key) > _MOST_PRINTABLE or all(0xA1 <= byte <= 0xFE for byte in key):
        return True
    try:
        return key.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _has_a_constant_bit(key: bytes) -> bool:
    everywhere, somewhere = 0xFF, 0
    for byte in key:
        everywhere &= byte
        somewhere |= byte
    return bool(everywhere) or somewhere != 0xFF


def _reads_as_words(text: str) -> bool:
    """Whether the base64 text itself was typed: one kind of character after the other, or few different ones."""
    alike = sum(_kind(earlier) == _kind(later) for earlier, later in pairwise(text))
    return len(set(text)) < _LEAST_DISTINCT_CHARACTERS or alike > _MOST_NEIGHBOURS_OF_A_KIND


def _kind(character: str) -> str:
    if character.isdecimal():
        return "digit"
    return "lower" if character.islower() else "upper" if character.isupper() else "sign"
