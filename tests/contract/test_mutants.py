"""`make mutants` is run by hand: that each rule's text and test are still where it says is seen with every run."""

from pathlib import Path

import pytest

from tests.mutants.__main__ import RULES
from tests.mutants.rules import SIMULATION, Rule

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_s_text_stands_once_in_its_file(rule: Rule) -> None:
    assert (ROOT / rule.path).read_text("utf-8").count(rule.text) == 1


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.test != SIMULATION], ids=lambda rule: rule.name)
def test_a_rule_names_a_test_that_there_is(rule: Rule) -> None:
    """A whole file, or one test of it."""
    file, _, test = rule.test.partition("::")
    text = (ROOT / file).read_text("utf-8")
    assert not test or f"def {test.partition('[')[0]}(" in text
