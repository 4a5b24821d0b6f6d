"""The rules of the two people and of clients; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

CUSTOMER: Final = "services/customer-svc"
TWO_PEOPLE: Final = f"{CUSTOMER}/tests/integration/directory/test_d19_two_people.py"
CLIENTS: Final = f"{CUSTOMER}/tests/integration/directory/test_d19_clients.py"
COMMON: Final = "libs/common"
TOKENS: Final = f"{COMMON}/tests/unit/security/test_tokens.py"
DIRECTORY: Final = f"{COMMON}/tests/integration/security/test_directory.py"
TABLES: Final = f"{CUSTOMER}/tests/unit/directory/test_d19_rules.py"


def _customer(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"customer_svc/{file}", text, without, test, CUSTOMER)


_two_people = (
    _customer(
        "a power role is given by two people",
        "staff/service.py",
        "    if policy.staff_needs_two(None, staff, load_roles().power):",
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
        "    await directory.lock_directory(work.uow)\n    proposal = await repository.read_proposal(work.uow, proposal_id)\n"
        "    if proposal is None:\n        raise NotFound\n    decider",
        "    proposal = await repository.read_proposal(work.uow, proposal_id)\n"
        "    if proposal is None:\n        raise NotFound\n    decider",
        f"{TWO_PEOPLE}::test_a_decision_waits_for_another_and_sees_what_it_did",
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

_clients = (
    Rule(
        "a client is known by its own name and its grant",
        "guanxi_common/security/tokens.py",
        "    if names_itself != for_client:",
        "    if False:",
        f"{TOKENS}::test_d19_a_token_of_neither_is_refused_with_its_own_code",
        COMMON,
    ),
    Rule(
        "a person is looked for among staff, a client among clients",
        "guanxi_common/security/directory/repository.py",
        'query = _RESOLVE if identity.kind == "staff" else _RESOLVE_CLIENT',
        "query = _RESOLVE",
        f"{DIRECTORY}::test_d19_a_client_and_a_person_of_one_name_are_two_callers",
        COMMON,
    ),
    Rule(
        "staff need a role for persons",
        "guanxi_common/security/directory/repository.py",
        " AND NOT staff.suspended AND role.holder = 'staff'",
        " AND NOT staff.suspended",
        f"{DIRECTORY}::test_d19_a_client_and_a_person_of_one_name_are_two_callers",
        COMMON,
    ),
    Rule(
        "a client needs a role for clients",
        "guanxi_common/security/directory/repository.py",
        " AND client.active AND role.holder = 'client'",
        " AND client.active",
        f"{DIRECTORY}::test_d19_a_client_and_a_person_of_one_name_are_two_callers",
        COMMON,
    ),
    Rule(
        "a client is no member of staff",
        "guanxi_common/security/principal.py",
        '        if self.identity.kind != "staff":',
        "        if False:",
        f"{DIRECTORY}::test_d19_a_client_and_a_person_of_one_name_are_two_callers",
        COMMON,
    ),
    _customer(
        "a further source needs two people",
        "proposals/policy.py",
        " or not set(after.sources) <= set(before.sources)",
        "",
        f"{TABLES}::test_d19_what_gives_a_client_more_needs_two_people",
    ),
    _customer(
        "a client posts for its sources, in a plain batch too",
        "transactions/policy.py",
        "    if not all(scope.speaks_for(source) for source in {item.source for item in items}):",
        "    if False:",
        f"{CLIENTS}::test_d19_a_plain_batch_of_another_source_is_rejected_too",
    ),
    _customer(
        "a client posts for its sources",
        "transactions/policy.py",
        "    if not scope.speaks_for(item.source):",
        "    if False:",
        f"{CLIENTS}::test_d19_items_of_other_sources_are_rejected_and_hold_up_nobody",
    ),
    _customer(
        "a client hangs no account on another source's customer",
        "accounts/policy.py",
        "{item.source} if item.holder is None else {item.source, item.holder.source}",
        "{item.source}",
        f"{CLIENTS}::test_d19_items_of_other_sources_are_rejected_and_hold_up_nobody",
    ),
    _customer(
        "a client registers customers of its sources",
        "customers/service.py",
        "    if not work.scope.speaks_for(registration.reference.source):",
        "    if False:",
        f"{CLIENTS}::test_d19_a_client_registers_customers_of_its_sources_only",
    ),
    _customer(
        "a client reconciles its sources",
        "reconciliations/service.py",
        "    if not work.scope.speaks_for(request.source):",
        "    if False:",
        f"{CLIENTS}::test_d19_lists_and_reconciliations_show_a_client_its_sources",
    ),
    _customer(
        "a client sees what is parked of its sources",
        "transactions/repository.py",
        "        None if scope.sources is None else list(scope.sources),",
        "        None,",
        f"{CLIENTS}::test_d19_lists_and_reconciliations_show_a_client_its_sources",
    ),
    _customer(
        "a file of another source is not there for a client",
        "customers/repository.py",
        "    return visible if scope.sources is None else and_(visible, _customer.c.source.in_(scope.sources))",
        "    return visible",
        f"{CLIENTS}::test_d19_the_file_of_another_sources_customer_is_not_there_for_a_client",
    ),
)

ROLES_RULES: Final = (*_two_people, *_clients)
