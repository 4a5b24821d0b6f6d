"""The streets between the slices: whose tables a slice's SQL names beside its own. `foreign_tables.yaml` has each with its reason.

The order of the slices is for import-linter (`pyproject.toml`); SQL knows tables by name and passes it by.
"""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from guanxi_common.db.metadata import import_tables
from guanxi_common.installation import SERVICES

ROOT = Path(__file__).parents[2]
LISTED: dict[str, Any] = yaml.safe_load((ROOT / "tests/contract/foreign_tables.yaml").read_text("utf-8"))

Pair = tuple[str, str]
"""The slice whose SQL it is, and the slice whose table it names."""


def owners(package: str) -> dict[str, str]:
    """The slice of each table, by the table's name."""
    import_tables(package)
    base: Any = import_module(f"{package}.database").Base
    return {mapper.class_.__tablename__: mapper.class_.__module__.split(".")[1] for mapper in base.registry.mappers}


def named_in(tree: ast.AST) -> Iterator[str]:
    """The words of the texts that stand where SQL has the name of a table, and the tables that are imported as such."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|ONLY)\s+([a-z_]+)", node.value)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.endswith(".tables"):
            classes = vars(import_module(node.module))
            yield from (
                classes[alias.name].__tablename__ for alias in node.names if hasattr(classes[alias.name], "__tablename__")
            )


def foreign_tables(service: str) -> dict[Pair, set[str]]:
    package = f"{service}_svc"
    source, owner = ROOT / f"services/{service}-svc/src/{package}", owners(package)
    pairs: dict[Pair, set[str]] = {}
    for file in source.rglob("*.py"):
        path = file.relative_to(source).with_suffix("")
        for table in named_in(ast.parse(file.read_text("utf-8"))):
            if owner.get(table, path.parts[0]) != path.parts[0]:
                pairs.setdefault((path.parts[0], owner[table]), set()).add(table)
    return pairs


@pytest.mark.parametrize("service", SERVICES)
def test_no_slice_names_the_table_of_another_without_a_reason(service: str) -> None:
    listed = {(slice_, owner): entry for slice_, others in LISTED[service].items() for owner, entry in others.items()}
    assert foreign_tables(service) == {pair: set(entry["tables"]) for pair, entry in listed.items()}
    assert [pair for pair, entry in listed.items() if len(entry["why"]) < len("a reason")] == []


def test_a_table_is_seen_wherever_sql_names_it() -> None:
    text = '''READ = f"SELECT x FROM consent WHERE {y}"\nWRITE = "INSERT INTO\\n  task (id)"\nJOINED = "… LEFT JOIN plan USING (id)"'''
    assert set(named_in(ast.parse(text))) == {"consent", "task", "plan"}
