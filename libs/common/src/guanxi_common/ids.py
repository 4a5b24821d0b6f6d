"""Identifiers: time-ordered UUIDv7 for what we create, UUIDv5 for what must come out the same again."""

from uuid import UUID, uuid5

from uuid_utils import compat

GUANXI_NAMESPACE = UUID("6f1c2a52-5f0f-5d0e-9a57-0d6f0c7b9a11")


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique, and sorted by creation time."""
    return compat.uuid7()


def derived_id(kind: str, *parts: str) -> UUID:
    """The UUIDv5 of `parts`: the same thing told twice gets the same id.

    The parts are length-prefixed, so that ("a", "bc") and ("ab", "c") differ.
    """
    name = kind + "".join(f"|{len(part)}:{part}" for part in parts)
    return uuid5(GUANXI_NAMESPACE, name)
