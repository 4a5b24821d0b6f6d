"""`docs/asvs.json`: each requirement of OWASP ASVS 5.0.0 has its test, or the reason why it needs none here.

ASVS is CC BY-SA 4.0. Nothing of its text is here: ids and levels, and beside each id our own words for its subject.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from tests.mutants.__main__ import RULES

ROOT: Final = Path(__file__).parents[2]
LEVELS: Final = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223", "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22", "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
"""Section → the levels of its requirements, in their order (5.0.0: 70, 183 and 92 of them)."""

STATUSES: Final = ("tested", "configured", "delegated", "gap", "not_applicable")


@cache
def requirements() -> dict[str, dict[str, Any]]:
    document = json.loads((ROOT / "docs/asvs.json").read_text("utf-8"), object_pairs_hook=_each_once)
    assert document["version"] == "5.0.0"
    listed: dict[str, dict[str, Any]] = document["requirements"]
    return listed


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    assert len(members) == len(pairs), "a name stands twice"
    return members


def test_every_requirement_is_there_once_with_its_level() -> None:
    standard = {f"{section}.{n}": int(level) for section, levels in LEVELS.items() for n, level in enumerate(levels, 1)}
    assert {name: entry["level"] for name, entry in requirements().items()} == standard
    assert [list(standard.values()).count(level) for level in (1, 2, 3)] == [70, 183, 92]


def test_each_has_what_its_status_demands() -> None:
    """A test, or a reason; who sees to it where it is not this house; no word more than these."""
    for name, entry in requirements().items():
        status = entry["status"]
        assert status in STATUSES, name
        assert entry["subject"].strip(), name
        assert entry.keys() <= {"level", "subject", "status", "tests", "mutant", "by", "reason"}, name
        if status == "tested":
            assert entry["tests"], name
        else:
            assert entry["reason"].strip(), name
        if status in ("configured", "delegated", "gap"):
            assert entry["by"].strip(), name
        if status == "configured":
            assert (ROOT / entry["by"]).exists(), name


def test_every_test_named_is_there() -> None:
    for name, entry in requirements().items():
        for test in entry.get("tests", []):
            file, _, function = test.partition("::")
            assert re.search(rf"^(async )?def {function}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), f"{name}: {test}"


def test_every_mutant_named_is_there() -> None:
    """And one requirement's rule is caught by a test of that requirement."""
    caught_by = {rule.name: rule.test.partition("[")[0] for rule in RULES}
    for name, entry in requirements().items():
        if (mutant := entry.get("mutant")) is not None:
            file, _, test = caught_by[mutant].partition("::")
            assert any(own.startswith(file) and (not test or own.endswith(f"::{test}")) for own in entry["tests"]), name


def test_so_many_are_held_by_a_test() -> None:
    held = {level: _number_of(level, "tested") for level in (1, 2, 3)}
    assert held[1] + held[2] >= 130
    assert held[3] + _number_of(3, "configured") + _number_of(3, "delegated") >= 50


def test_7_so_many_are_shown_by_removing_their_rule() -> None:
    """Up to level 2; `make mutants` removes each rule. The guide gives the number."""
    shown = sum(entry["level"] <= 2 and entry["status"] == "tested" and "mutant" in entry for entry in requirements().values())
    assert shown >= 130
    assert f"{shown} of the tested ones up to level 2 name a rule" in (ROOT / "docs/guides/security.md").read_text("utf-8")


def _number_of(level: int, status: str) -> int:
    return sum((entry["level"], entry["status"]) == (level, status) for entry in requirements().values())


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_guide_counts_them_as_they_are(level: int) -> None:
    cells = " | ".join(str(_number_of(level, status)) for status in STATUSES)
    assert f"\n| {level} | {cells} |\n" in (ROOT / "docs/guides/security.md").read_text("utf-8")


def test_the_guide_names_every_gap() -> None:
    gaps = {name for name, entry in requirements().items() if entry["status"] == "gap"}
    section = (ROOT / "docs/guides/security.md").read_text("utf-8").partition("\n## ASVS\n")[2]
    assert set(re.findall(r"^\| (\d+\.\d+\.\d+) \|", section, re.MULTILINE)) == gaps
