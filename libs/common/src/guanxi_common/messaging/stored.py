"""What tables hold of texts that nobody has checked: bounded, and without U+0000, which PostgreSQL does not take. Pure."""

from hashlib import blake2b
from typing import Final

KEY_LENGTH: Final = 200
"""In characters: with group, topic and id it fits an index entry of PostgreSQL (2,704 bytes) in any script."""

REASON_LENGTH: Final = 100
ERROR_LENGTH: Final = 500

_PREFIX_LENGTH: Final = 150
_MARK: Final = "…#"


def stored_key(key: str) -> str:
    """The key as every table holds it and every look-up asks for it: itself as a rule, else its beginning and a digest.

    Different keys have different forms, but for a collision of 128 bits: a key that looks like a shortened one gets a digest too.
    """
    if len(key) <= KEY_LENGTH and "\0" not in key and _MARK not in key:
        return key
    digest = blake2b(key.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"{stored_text(key, _PREFIX_LENGTH)}{_MARK}{digest}"


def stored_text(text: str, length: int) -> str:
    """The beginning of the text, with signs in the place of what PostgreSQL does not take."""
    return text[:length].replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()
