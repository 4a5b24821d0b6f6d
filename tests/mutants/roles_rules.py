"""The rules of the two people and of clients; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

CUSTOMER: Final = "services/customer-svc"
TWO_PEOPLE: Final = f"{CUSTOMER}/tests/integration/directory/test_d19_two_people.py"
TABLES: Final = f"{CUSTOMER}/tests/unit/directory/test_d19_rules.py"


def _customer(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"customer_svc/{file}", text, without, test, CUSTOMER)


_two_people = (
    _customer(
        "a power role is given by two people",
        "staff/service.py",
        "    if policy.staff_needs_two(before, staff, load_roles().power):",
        "    if False:",
        f"{TWO_PEOPLE}::test_d19_a_power_role_is_in_force_when_a_second_person_has_approved",
    ),
    _customer(
        "the role before counts as well as the role after",
        "proposals/policy.py",
        "    if before.role not in power and after.role not in power:",
        "    if after.role not in power:",
        f"{TABLES}::test_d19_what_needs_two_people",
    ),
    _customer(
        "the proposer does not approve",
        "proposals/policy.py",
        "    if decider == proposal.proposed_by:",
        "    if False:",
        f"{TWO_PEOPLE}::test_d19_the_proposer_does_not_approve",
    ),
    _customer(
        "nobody decides about their own entry",
        "proposals/policy.py",
        "    if decider == proposal.entry_id:",
        "    if False:",
        f"{TWO_PEOPLE}::test_d19_nobody_decides_about_their_own_entry",
    ),
    _customer(
        "a puppet does not approve for its maker",
        "directory/repository.py",
        "or_(by_one, by_other)",
        "by_other",
        f"{TWO_PEOPLE}::test_d19_a_puppet_neither_approves_nor_proposes_for_its_maker_within_seven_days",
    ),
    _customer(
        "a maker does not approve for the puppet",
        "directory/repository.py",
        "or_(by_one, by_other)",
        "by_one",
        f"{TWO_PEOPLE}::test_d19_a_puppet_neither_approves_nor_proposes_for_its_maker_within_seven_days",
    ),
    _customer(
        "an entry that changed since makes its proposal outdated",
        "proposals/service.py",
        "    if (before.version if before else 0) != proposal.base_version:",
        "    if False:",
        f"{TWO_PEOPLE}::test_d19_a_change_in_between_makes_a_proposal_outdated",
    ),
    _customer(
        "a removed proposer's proposals are void",
        "proposals/service.py",
        "    if not await directory.holds(uow, proposal.proposed_by, PROPOSE):",
        "    if False:",
        f"{TWO_PEOPLE}::test_d19_what_a_removed_proposer_left_behind_is_not_approved",
    ),
    _customer(
        "two approvers stay",
        "proposals/service.py",
        "await directory.count_approvers(uow) <= LEAST_APPROVERS",
        "False",
        f"{TWO_PEOPLE}::test_d19_at_least_two_approvers_stay",
    ),
    _customer(
        "decisions follow one another",
        "proposals/service.py",
        "    await directory.lock_directory(write.uow)\n    proposal = await repository.read_proposal(write.uow, proposal_id)\n"
        "    if proposal is None:\n        raise NotFound\n    decider",
        "    proposal = await repository.read_proposal(write.uow, proposal_id)\n"
        "    if proposal is None:\n        raise NotFound\n    decider",
        f"{TWO_PEOPLE}::test_of_two_approvals_at_once_one_wins",
    ),
    _customer(
        "nobody is appointed on the host while two can decide",
        "proposals/appointment.py",
        "    if await directory.count_approvers(uow) >= LEAST_APPROVERS:",
        "    if False:",
        f"{TWO_PEOPLE}::test_d19_appointing_on_the_host_is_for_fewer_than_two_approvers",
    ),
    _customer(
        "an empty directory needs two founders",
        "directory/service.py",
        "    if sum(role in policy.load_roles().approving for _, role in founders) < policy.LEAST_APPROVERS:",
        "    if False:",
        f"{TWO_PEOPLE}::test_d19_an_empty_directory_needs_two_founders_who_can_approve",
    ),
    _customer(
        "a power permission is for power roles",
        "directory/policy.py",
        "        if role.role not in power and marked & role.grants.keys():",
        "        if False:",
        f"{TABLES}::test_d19_a_power_permission_is_granted_to_power_roles_alone",
    ),
)

ROLES_RULES: Final = _two_people
