"""Every table that names a customer says what an erasure does with it (D8)."""

from importlib import import_module
from typing import Any

import pytest
from guanxi_common.db.metadata import import_tables, service_metadata
from guanxi_common.erasure.registry import COMMON_PERSONAL_DATA, PersonalTable
from guanxi_common.installation import SERVICES
from sqlalchemy import Table

NAMES_A_CUSTOMER = {"customer_id", "old_id", "survivor_id"}


def tables_of(service: str) -> dict[str, Table]:
    package = f"{service}_svc"
    import_tables(package)
    database: Any = import_module(f"{package}.database")
    return dict(service_metadata(database.Base.metadata, database.COMMON_TABLES).tables)


def declared_by(service: str) -> tuple[PersonalTable, ...]:
    return (*import_module(f"{service}_svc.personal_data").PERSONAL_DATA, *COMMON_PERSONAL_DATA)


def columns_of_customers(tables: dict[str, Table]) -> set[tuple[str, str]]:
    found = {(name, column.name) for name, table in tables.items() for column in table.columns if column.name in NAMES_A_CUSTOMER}
    references = {
        (name, column.name)
        for name, table in tables.items()
        for column in table.columns
        if any(key.target_fullname == "customer.id" for key in column.foreign_keys)
    }
    return found | references


@pytest.mark.parametrize("service", SERVICES)
def test_d8_every_table_with_a_customer_is_declared_once(service: str) -> None:
    declared = [(table.table, table.column) for table in declared_by(service)]
    assert len(declared) == len(set(declared))
    assert columns_of_customers(tables_of(service)) - set(declared) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_d8_what_is_declared_is_there_and_says_why_it_is_kept(service: str) -> None:
    tables = tables_of(service)
    for table in declared_by(service):
        assert {table.column, *table.blank} <= set(tables[table.table].columns.keys()), table.table
        assert table.on_erasure == "delete" or table.why, table.table
        assert bool(table.blank) == (table.on_erasure == "anonymise"), table.table


@pytest.mark.parametrize("service", SERVICES)
def test_d8_rows_that_others_refer_to_go_last(service: str) -> None:
    tables, order = tables_of(service), [table.table for table in declared_by(service) if table.on_erasure == "delete"]
    for name in order:
        for key in tables[name].foreign_keys:
            parent = key.column.table.name
            assert parent not in order or order.index(name) < order.index(parent), (name, parent)
