"""The rules of standards as data (D6); see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

COMMON: Final = "libs/common"
CUSTOMER: Final = "services/customer-svc"
IN_FORCE: Final = f"{COMMON}/tests/unit/standards/test_d6_in_force.py"
CHANGES: Final = f"{CUSTOMER}/tests/integration/directory/test_d6_standards.py"


def _common(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"guanxi_common/standards/{file}", text, without, f"{IN_FORCE}::{test}", COMMON)


def _customer(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"customer_svc/standards/{file}", text, without, f"{CHANGES}::{test}", CUSTOMER)


STD_RULES: Final = (
    _common(
        "a version counts from its instant on, not from its approval",
        "policy.py",
        "version.approved_at <= known_at and version.effective_at <= at",
        "version.approved_at <= known_at",
        "test_d6_the_version_in_force",
    ),
    _common(
        "what was approved later was not known",
        "policy.py",
        "version.approved_at <= known_at and version.effective_at <= at",
        "version.effective_at <= at",
        "test_d6_the_version_in_force",
    ),
    _common(
        "a day goes by the version at its start when it was asked about before",
        "policy.py",
        "    return min(max(known_at, first), after - _TICK)",
        "    return min(known_at, after - _TICK)",
        "test_d6_the_rules_of_a_day",
    ),
    _common(
        "a package supersedes nothing of the bank's",
        "policy.py",
        "    if not known:",
        "    if True:",
        "test_d6_a_package_supersedes_nothing_by_itself",
    ),
    _common(
        "what ships after the bank's first version does not count",
        "register.py",
        "if version.number < first]",
        "if version.number not in {one.number for one in learnt}]",
        "test_d6_what_ships_fills_what_comes_before_the_first_and_nothing_after",
    ),
    _common(
        "the clock alone brings a version into force",
        "register.py",
        "        if not since <= now < until:",
        "        if since > now:",
        "test_d6_the_clock_alone_changes_what_is_in_force",
    ),
    _customer(
        "the proposer of a standard does not approve it",
        "policy.py",
        "(Hindrance.OWN_PROPOSAL if decider == proposal.proposed_by else None)",
        "None",
        "test_d6_neither_of_the_two_does_it_alone",
    ),
    _customer(
        "whom the proposer entered this week is no second person",
        "service.py",
        "    if await directory.changed_each_other(",
        "    if False and await directory.changed_each_other(",
        "test_d6_neither_of_the_two_does_it_alone",
    ),
    _customer(
        "a proposal is about one newest version",
        "service.py",
        "    if proposal.proposed_by is not None and newest != proposal.base_number:",
        "    if False:",
        "test_d6_a_proposal_ends_with_time_and_with_its_base",
    ),
    _customer(
        "a version begins no sooner than its notice",
        "policy.py",
        "    return wanted if wanted >= earliest else None",
        "    return wanted",
        "test_d6_no_version_begins_sooner_than_everybody_knows_it",
    ),
    _customer(
        "a body keeps the schema of its kind",
        "service.py",
        "    if errors:",
        "    if False:",
        "test_d6_a_body_keeps_the_schema_and_the_rules_of_its_kind",
    ),
)
