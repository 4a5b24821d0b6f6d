"""Takes personal data out of what is logged or traced. The second wall: the first is not to log it.

Values under a telling key go altogether; in any other text whatever looks like an identity number, a card or account number, a
phone, an e-mail address or a token goes. Names in running text cannot be recognised: an event's text must be a constant.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

REDACTED: Final = "[redacted]"
MAX_TEXT: Final = 2_000
MAX_ITEMS: Final = 50
MAX_DEPTH: Final = 5

_TELLING_WORDS: Final = """
name display_name full_name first_name last_name customer_name phone phones mobile email address birth_date identity
identity_number identity_document document number account_number card_number content note notes free_text body payload value
query password secret token authorization cookie private_key data_key
"""
_TELLING_KEYS: Final = frozenset(_TELLING_WORDS.split())

# A run of digits inside a UUID or another word is none of these, hence the guards on both sides.
_PATTERNS: Final = re.compile(
    r"""
      eyJ[\w-]+\.[\w-]+\.[\w-]*                       # JWT
    | [\w.+-]+@[\w-]+\.[\w.-]+                        # e-mail
    | \+\d[\d\ ()-]{6,18}\d                           # phone in international form
    | (?<![\w-])\d{17}[\dXx](?![\w-])                 # resident identity number, GB 11643
    | (?<![\w-])1[3-9]\d[\ -]?\d{4}[\ -]?\d{4}(?![\w-])  # Chinese mobile number
    | (?<![\w-])\d{12,19}(?![\w-])                    # card and account numbers
    | (?<![\w-])\d{4}(?:[\ -]\d{4}){2,4}(?![\w-])     # the same in groups
    """,
    re.VERBOSE,
)


def scrub_text(text: str) -> str:
    """The text without what looks like personal data, cut to `MAX_TEXT` characters."""
    cut = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
    # A lone surrogate cannot be written as UTF-8.
    return _PATTERNS.sub(REDACTED, cut.encode("utf-8", "replace").decode())


def scrub_value(value: Any, depth: int = 0) -> Any:
    """The value as plain JSON types. An object of another type becomes its type's name, since its text may tell anything."""
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, str):
        return scrub_text(value)
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return scrub_fields({str(key): item for key, item in list(value.items())[:MAX_ITEMS]}, depth + 1)
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub_value(item, depth + 1) for item in list(value)[:MAX_ITEMS]]
    if type(value).__module__ in ("uuid", "datetime", "decimal", "pathlib"):
        return scrub_text(str(value))
    return f"<{type(value).__name__}>"


def scrub_fields(fields: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The fields, those under a telling key without their value."""
    return {
        scrub_text(key): REDACTED if key.lower() in _TELLING_KEYS and value is not None else scrub_value(value, depth)
        for key, value in fields.items()
    }
