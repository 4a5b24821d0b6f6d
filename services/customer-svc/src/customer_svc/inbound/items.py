"""How items of the intake name things, and those that cannot be read: they are refused alone, each in its place. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, Protocol, TypeVar

import msgspec

# U+0000 is refused by the pattern; PostgreSQL cannot hold it. `$` alone would let a final line break through.
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$(?!\n)")]
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
EXTERNAL_ID: Final = rf"^[^\s{_UNSEEN}]([^{_UNSEEN}]*[^\s{_UNSEEN}])?$"
"""What core banking calls something: printable characters of any script, with no space at either end."""
ExternalId = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=rf"{EXTERNAL_ID}(?!\n)")]
"""A posting, an account or a customer, as core banking calls it."""

INVALID_ITEM: Final = "invalid_item"


class Placed(Protocol):
    index: int


R = TypeVar("R", bound=Placed)


def in_their_places(results: Sequence[R], refused: Mapping[int, R]) -> list[R]:
    """The results of the items that were read, and the refusals of the others, in the order in which they were sent."""
    read: Iterator[R] = iter(results)
    every = [refused[place] if place in refused else next(read) for place in range(len(results) + len(refused))]
    for place, result in enumerate(every):
        result.index = place
    return every


def what_is_wrong(pointer: str) -> str:
    """In words; what was sent is never repeated."""
    return f"The value is not allowed here: {pointer}" if pointer else "The item cannot be read."
