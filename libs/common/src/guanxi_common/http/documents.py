"""When two request bodies are the same JSON document, however a client has spelled it. Pure.

A client that retries from its own store seldom sends the same bytes: another serialiser orders keys, escapes characters and writes
numbers in its own way. Two bodies are the same document where

- objects have the same members in any order, and white space between tokens differs at most;
- strings have the same code points, escaped or not (no normalisation: a composed and a decomposed letter are different strings);
- numbers have the same mathematical value, exactly: 1, 1.0, 10e-1 and 1E0 are one number, and so are 0 and -0. Nothing is rounded.

A body of 1 KB takes about 0.05 ms, beside some milliseconds of a write. The bulk intake takes no Idempotency-Key, so pays nothing.
"""

import json
from typing import Final

_FRACTION: Final = "\0"
"""Marks a number that is no integer, among the strings: no string of a body holds U+0000 (`bodies.strict_json` refuses it)."""
_MOST_DIGITS_OF_EXPONENT: Final = 9
"""A longer exponent is compared as it is spelled."""
_MOST_ZEROS: Final = 400
"""Beyond what a finite number of `bodies.strict_json` has at its end."""


def canonical(body: bytes) -> bytes:
    """The same bytes for each spelling of the document that is `body`, and others for every other document.

    What is no JSON stays as it is: no operation reads it.
    """
    try:
        document = json.loads(body, parse_float=_number)
    except (ValueError, RecursionError):
        return body
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _number(spelled: str) -> int | str:
    """The integer that is spelled with a fraction or an exponent; else a mark, the digits that count, and their power of ten."""
    mantissa, _, exponent = spelled.lower().partition("e")
    if len(exponent) > _MOST_DIGITS_OF_EXPONENT:
        return f"{_FRACTION}{spelled}"
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    power = int(exponent or 0) - len(fraction) + len(digits) - len(significant)
    sign = "-" if mantissa.startswith("-") else ""
    if not significant:
        return 0
    if 0 <= power <= _MOST_ZEROS and len(significant) <= _MOST_ZEROS:
        return int(f"{sign}{significant}{'0' * power}")
    return f"{_FRACTION}{sign}{significant}e{power}"
