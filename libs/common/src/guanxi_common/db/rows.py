"""Between rows and values: repositories read rows into frozen dataclasses and write these back, by field name."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

V = TypeVar("V", bound="DataclassInstance")


def table_of(row: type[DeclarativeBase]) -> Table:
    """The table that a declarative class declares."""
    return cast("Table", row.__table__)


def read_as(kind: type[V], row: Mapping[Any, Any]) -> V:
    """The value whose fields are columns of `row`; other columns are left alone. Raises KeyError for a field without a column."""
    return kind(**{field.name: row[field.name] for field in fields(kind)})


def values_of(value: "DataclassInstance", *, without: str | None = None) -> dict[str, Any]:
    """The value's fields by name, for `insert().values()` and `update().values()`; not copied deeply."""
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name != without}
