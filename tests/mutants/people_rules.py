"""The rules of responsibility (D11); see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

CUSTOMER: Final = "services/customer-svc"
BOOK: Final = f"{CUSTOMER}/tests/unit/assignments/test_d11_book.py"
TRANSFERS: Final = f"{CUSTOMER}/tests/integration/directory/test_d11_transfers.py"


LEAVING: Final = f"{CUSTOMER}/tests/integration/directory/test_d11_leaving.py"
COMMON: Final = "libs/common/tests/integration/security/test_d11_responsibility.py"
ENGAGEMENT: Final = "services/engagement-svc"
STAFF: Final = f"{ENGAGEMENT}/tests/integration/tasks/test_d11_staff.py"


def _directory(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"guanxi_common/security/{file}", text, without, f"{COMMON}::{test}")


def _tasks(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"engagement_svc/tasks/{file}", text, without, f"{STAFF}::{test}", ENGAGEMENT)


def _customer(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"customer_svc/{file}", text, without, test, CUSTOMER)


_transfers = (
    _customer(
        "a transfer that is about to take effect stays",
        "assignments/service.py",
        "    if policy.is_settled(transfer, now):",
        "    if False:",
        f"{TRANSFERS}::test_d11_only_what_is_pending_is_changed",
    ),
    _customer(
        "what a cancelled transfer would have ended stays open",
        "assignments/policy.py",
        "    return [replace(i, valid_to=None) if i.valid_to is not None and i.valid_to > now else i for i in begun]",
        "    return begun",
        f"{BOOK}::test_d11_a_cancelled_transfer_leaves_the_book_as_it_was",
    ),
    _customer(
        "one transfer at a time is pending",
        "assignments/service.py",
        "    if transfer := policy.pending_transfer(book, work.now):",
        "    if transfer := None:",
        f"{TRANSFERS}::test_d11_a_transfer_to_2062_is_taken_back",
    ),
)

_scope = (
    _directory(
        "a leave begins and ends by the clock",
        "principal.py",
        "        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)",
        "        return True",
        "test_d11_a_deputy_sees_the_book_from_the_first_to_the_last_instant_of_the_leave",
    ),
    _directory(
        "whoever is suspended may not call",
        "directory/repository.py",
        "AND staff.active AND NOT staff.suspended AND role.holder",
        "AND staff.active AND role.holder",
        "test_d11_a_deputy_sees_the_book_of_whoever_is_suspended_or_has_left",
    ),
    _directory(
        "a deputy who is not here takes over nothing",
        "directory/responsibility.py",
        " AND deputy.active AND NOT deputy.suspended",
        "",
        "test_d11_whose_the_duties_are",
    ),
    _directory(
        "an outlet without a lead escalates to the one above",
        "directory/responsibility.py",
        "    WHERE below.parent_id <> ALL(path)",
        "    WHERE false",
        "test_d11_what_is_escalated_goes_to_the_superior_then_to_the_lead_then_up",
    ),
    _directory(
        "the superior comes before the lead",
        "directory/responsibility.py",
        "WHERE subordinate.id = asked.staff AND superior.active",
        "WHERE false AND superior.active",
        "test_d11_what_is_escalated_goes_to_the_superior_then_to_the_lead_then_up",
    ),
)

_following = (
    _tasks(
        "tasks follow staff in the transaction of the snapshot",
        "consumers.py",
        "        if changed and not uow.replaying:",
        "        if False:",
        "test_d11_the_deputy_takes_over_the_duties_of_a_suspended_rm_and_gives_them_back",
    ),
    _tasks(
        "a customer who has just moved is on the new outlet's list at once",
        "repository.py",
        'f"{_of_each(column, tasks)} UNION ALL {tasks(others)}"',
        '_of_each(column, tasks) if column == "outlet_id" else f"{_of_each(column, tasks)} UNION ALL {tasks(others)}"',
        "test_d11_a_dismissal_with_a_pending_transfer_in_any_order_of_arrival",
    ),
    _tasks(
        "the job finds the tasks of those who are gone",
        "following.py",
        "    found += _moved(await uow.driver.execute(_FOLLOW + _OF_GONE, now))",
        "    pass",
        "test_d11_until_a_snapshot_has_come_tasks_stand_on_the_leads_list_and_new_ones_go_to_the_deputy",
    ),
)

_leaving = (
    _customer(
        "nobody leaves a book behind",
        "assignments/handing_over.py",
        "    if hanging:\n        to_come",
        "    if False:\n        to_come",
        f"{LEAVING}::test_d11_who_keeps_customers_does_not_leave_move_or_change_role",
    ),
    _customer(
        "a move to another outlet takes somebody away from the customers",
        "assignments/policy.py",
        "(before.outlet_id, before.role) != (after.outlet_id, after.role)",
        "before.role != after.role",
        f"{BOOK}::test_d11_what_takes_somebody_away_from_their_customers",
    ),
    _customer(
        "an RM is nobody's assistant with the same customer",
        "assignments/policy.py",
        "any(_overlap(i, own) for own in kept)",
        "False",
        f"{BOOK}::test_d11_a_hand_over_takes_what_is_and_what_is_to_come_and_leaves_what_was",
    ),
    _customer(
        "a proposal hands over when it comes into force",
        "proposals/service.py",
        "        await handing_over.settle_book(work, keys, before, after, proposal.hand_over_to)",
        "        pass",
        f"{LEAVING}::test_d11_a_proposal_hands_over_when_it_comes_into_force",
    ),
    _customer(
        "who is suspended is given no customers",
        "assignments/service.py",
        "not staff.active or staff.suspended or staff.role",
        "not staff.active or staff.role",
        f"{LEAVING}::test_d11_a_suspension_is_never_refused_and_the_deputy_then_the_lead_is_responsible",
    ),
    _customer(
        "two people lift the suspension of a power role",
        "proposals/policy.py",
        "(after.subject, after.role, after.active, after.suspended)",
        "(after.subject, after.role, after.active, before.suspended)",
        f"{LEAVING}::test_d11_one_person_suspends_the_holder_of_a_power_role_and_two_lift_it",
    ),
    _customer(
        "a leave has both ends",
        "directory/policy.py",
        "        return away_from is not away_until",
        "        return False",
        f"{LEAVING}::test_d11_a_leave_needs_both_ends_and_a_deputy_who_can_work_the_book",
    ),
)

PEOPLE_RULES: Final = (*_transfers, *_scope, *_following, *_leaving)
