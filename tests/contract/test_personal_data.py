"""D8: every table that names a customer, or has a column of a personal class, is declared; read from migrated databases."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from importlib import import_module

import asyncpg
import pytest
from guanxi_common.erasure.registry import COMMON_PERSONAL_DATA, PersonalTable
from guanxi_common.installation import SERVICES
from guanxi_testing.databases import TestServer

KEYS = {"customer_id", "old_id", "survivor_id"}
"""Columns that name a customer: each is declared by itself."""
LEADS_TO_A_CUSTOMER = {"account_id", "account_number", "subject_id"}
"""Columns by which a customer can be found: their tables are declared."""
PERSONAL = re.compile(
    r"customer_number|(display_|full_|given_|family_)?name(_terms)?|birth_date|sex|phone|email|address|.*_(sealed|index)|content|comment|remedy"
    r"|result_note|participants|materials|next_step|life_stage|objective|goals|changes|portfolio_against_plan|advice|note|item|(?:.*_)?terms"
)
"""Columns that say who somebody is or how to reach them, are sealed, or hold free text about somebody."""
OTHERS = {
    "directory_outlet": "an outlet's name",
    "directory_client": "a program's name",
    "directory_staff": "staff, not customers: the directory has its own retention",
    "directory_proposal": "changes of staff, not of customers",
    "product": "the catalogue",
    "product_version": "the catalogue",
    "republication": "the name of a source of snapshots",
    "operation_error": "names rows of an input by line or id; deleted with the operation",
    "model_training": "a model's name",
    "model_version": "a model's name",
}
"""Tables with such a column that hold nothing of a customer, and what they hold. A common table stands once."""

Columns = Mapping[str, Mapping[str, str]]
"""By table: the type of each column."""


async def _columns(postgres: TestServer, service: str) -> Columns:
    found: dict[str, dict[str, str]] = {}
    async with postgres.service_database(f"{service}_svc") as url:
        connection = await asyncpg.connect(url)
        rows = await connection.fetch(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        )
        await connection.close()
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


@pytest.fixture(scope="module")
def databases(postgres: TestServer) -> dict[str, Columns]:
    """What the migrations of each service have made."""

    async def read() -> dict[str, Columns]:
        return {service: await _columns(postgres, service) for service in SERVICES}

    return asyncio.run(read())


def declared_by(service: str) -> tuple[PersonalTable, ...]:
    return (*import_module(f"{service}_svc.personal_data").PERSONAL_DATA, *COMMON_PERSONAL_DATA)


def undeclared(tables: Columns, declared: set[tuple[str, str]]) -> Iterator[str]:
    known = {table for table, _ in declared} | OTHERS.keys()
    for table, columns in tables.items():
        for column in columns:
            if (column in KEYS and (table, column) not in declared) or (column in LEADS_TO_A_CUSTOMER and table not in known):
                yield f"{table}.{column} names a customer"
            if PERSONAL.fullmatch(column) and table not in known:
                yield f"{table}.{column} is of a personal class"


@pytest.mark.parametrize("service", SERVICES)
def test_d8_every_table_with_a_customer_is_declared_once(databases: dict[str, Columns], service: str) -> None:
    declared = [(table.table, table.column) for table in declared_by(service)]
    assert len(declared) == len(set(declared))
    assert list(undeclared(databases[service], set(declared))) == []


def test_d8_a_new_table_with_a_customer_or_a_personal_column_is_noticed() -> None:
    tables = {
        "held": {"customer_id": "uuid", "survivor_id": "uuid"},
        "visit": {"id": "uuid", "comment": "text"},
        "scan": {"face_sealed": "bytea"},
        "card": {"account_id": "uuid"},
    }
    noticed = [told.split()[0] for told in undeclared(tables, {("held", "customer_id")})]
    assert noticed == ["held.survivor_id", "visit.comment", "scan.face_sealed", "card.account_id"]


@pytest.mark.parametrize("service", SERVICES)
def test_d8_what_is_declared_is_there_and_says_why_it_is_kept(databases: dict[str, Columns], service: str) -> None:
    tables = databases[service]
    for table in declared_by(service):
        assert {table.column, *table.blank} <= tables[table.table].keys(), table.table
        assert tables[table.table][table.column] == ("text" if table.as_text else "uuid"), table.table
        assert table.on_erasure == "delete" or (table.why and table.until), table.table
        assert bool(table.blank) == (table.on_erasure == "anonymise"), table.table
        assert table.names == "customer" or table.on_erasure == "keep", f"{table.table}: an erasure knows no accounts"


@pytest.mark.parametrize("service", SERVICES)
def test_d8_what_stays_of_an_erased_customer_holds_no_personal_column(databases: dict[str, Columns], service: str) -> None:
    """An anonymised table blanks each; a kept one has none that is not sealed under the destroyed key or core banking's."""
    for table in declared_by(service):
        personal = {column for column in databases[service][table.table] if PERSONAL.fullmatch(column)}
        if table.on_erasure == "anonymise":
            assert personal <= table.blank.keys(), table.table
        elif table.on_erasure == "keep":
            assert personal == set(), table.table


@pytest.mark.parametrize("service", SERVICES)
def test_d8_sealed_columns_are_opened_for_the_subject(databases: dict[str, Columns], service: str) -> None:
    for table in declared_by(service):
        sealed = any(column.endswith("_sealed") for column in databases[service][table.table])
        assert (table.export == "opened") == sealed, table.table
        assert table.export != "none" or table.holds == "reference", f"{table.table}: a subject may see what says something"


def test_d8_everything_that_hangs_on_the_responsible_person_says_that_it_moves() -> None:
    moving = {table.table for service in SERVICES for table in declared_by(service) if table.hand_over == "moves"}
    assert moving == {"book_assignment", "task"}


@pytest.mark.parametrize("service", SERVICES)
def test_d8_rows_that_others_refer_to_go_last(postgres: TestServer, service: str) -> None:
    order = [table.table for table in declared_by(service) if table.on_erasure == "delete"]
    for child, parent in asyncio.run(_references(postgres, service)):
        if child in order and parent in order and child != parent:
            assert order.index(child) < order.index(parent), (child, parent)


async def _references(postgres: TestServer, service: str) -> list[tuple[str, str]]:
    async with postgres.service_database(f"{service}_svc") as url:
        connection = await asyncpg.connect(url)
        rows = await connection.fetch(
            "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
        )
        await connection.close()
    return [(row[0], row[1]) for row in rows]
