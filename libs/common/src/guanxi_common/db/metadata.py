"""The tables of a service: its own, and copies of the common ones (outbox, inbox, audit …) that it keeps in its database.

A common table is declared once, on `CommonBase`; every service that keeps it has it in its own schema and migrations. Statements
are written against the common declaration: a copy differs from it in nothing but the `MetaData` that holds it.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Sequence

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names every constraint by rule, so that migrations can name them."""


class CommonBase(DeclarativeBase):
    """The base of the tables that the common library declares."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


def service_metadata(own: MetaData, common: Sequence[Table]) -> MetaData:
    """Every table of a service's database: its `own` and the `common` ones it keeps, as the target of its migrations."""
    whole = MetaData(naming_convention=NAMING_CONVENTION)
    for table in (*own.sorted_tables, *common):
        table.to_metadata(whole)
    return whole


def import_tables(package: str) -> None:
    """Import `tables` of every slice of `package`, so that all its tables are declared. No slice needs to be listed."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.ispkg and importlib.util.find_spec(f"{package}.{module.name}.tables"):
            importlib.import_module(f"{package}.{module.name}.tables")
