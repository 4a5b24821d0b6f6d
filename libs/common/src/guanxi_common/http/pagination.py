"""Keyset pagination: `{"data": […], "next_cursor": …}`, with a cursor that nobody can read or forge.

A cursor holds the sort values of the last row shown, which may be personal data, so it is encrypted. It is bound to the caller,
the operation and its filters: used elsewhere, or changed in one bit, it is `InvalidCursor`. It serves Core and raw SQL alike.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, literal, true, tuple_

from guanxi_common.errors import InvalidCursor
from guanxi_common.http.sealing import Sealer, Unsealable

Row = TypeVar("Row")
Item = TypeVar("Item")

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
_MAX_CURSOR = 2_048

_WRITERS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    UUID: ("uuid", str),
    Decimal: ("decimal", str),
    int: ("int", int),
    float: ("float", float.hex),
    str: ("str", str),
    bool: ("bool", bool),
    type(None): ("null", lambda _: None),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "uuid": UUID,
    "decimal": Decimal,
    "int": int,
    "float": float.fromhex,
    "str": str,
    "bool": bool,
    "null": lambda _: None,
}


class Cursor:
    """Writes and reads the cursors of one caller's query."""

    def __init__(self, sealer: Sealer, binding: bytes) -> None:
        self._sealer = sealer
        self._binding = binding

    def encode(self, values: Sequence[Any]) -> str:
        """The cursor behind the row with these sort values (datetime, date, UUID, Decimal, int, float, str, bool, None)."""
        tagged = [_tagged(value) for value in values]
        sealed = self._sealer.seal(json.dumps(tagged, ensure_ascii=False).encode(), self._binding)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def decode(self, cursor: str | None) -> tuple[Any, ...] | None:
        """The sort values, or None for the first page. Raises `InvalidCursor`."""
        if cursor is None:
            return None
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            tagged = json.loads(self._sealer.open(sealed, self._binding))
        except (Unsealable, binascii.Error, ValueError):
            raise InvalidCursor from None
        return tuple(_READERS[kind](value) for kind, value in tagged)


def _tagged(value: Any) -> tuple[str, Any]:
    """The value with the name of its kind. By its bases: asyncpg's ids are of a subclass of UUID."""
    kind, write = next(_WRITERS[base] for base in type(value).__mro__ if base in _WRITERS)
    return kind, write(value)


def binding_of(actor: str, operation: str, filters: Mapping[str, Any]) -> bytes:
    """What a cursor is bound to. Filters are compared by their text."""
    return json.dumps([actor, operation, sorted((name, str(value)) for name, value in filters.items())]).encode()


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that a list operation was asked for."""

    limit: int
    cursor: str | None


async def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(max_length=_MAX_CURSOR, description="`next_cursor` of the page before, unchanged.")
    ] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


Paging = Annotated[PageRequest, Depends(_page_request)]
"""The parameters `limit` and `cursor` of a FastAPI route."""


class Page(BaseModel, Generic[Item]):
    """A page of a list. `next_cursor` is null on the last one."""

    data: list[Item]
    next_cursor: str | None = Field(description="Pass it as `cursor` to get the next page; null on the last one.")


def page_of(
    rows: Sequence[Row],
    request: PageRequest,
    cursor: Cursor,
    *,
    key: Callable[[Row], Sequence[Any]],
    item: Callable[[Row], Item],
) -> Page[Item]:
    """The page made of `rows`, of which the repository was asked for `limit + 1`: one too many means that more follow."""
    shown = rows[: request.limit]
    following = cursor.encode(key(shown[-1])) if len(rows) > request.limit else None
    return Page[Any](data=[item(row) for row in shown], next_cursor=following)


def after(
    columns: Sequence[ColumnElement[Any]], values: Sequence[Any] | None, *, descending: bool = False
) -> ColumnElement[bool]:
    """The condition that a row comes after `values` in the order of `columns`: all ascending or all descending, none nullable."""
    if values is None:
        return true()
    bound = tuple_(*(literal(value, column.type) for value, column in zip(values, columns, strict=True)))
    row = tuple_(*columns)
    return row < bound if descending else row > bound
