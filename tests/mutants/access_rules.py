"""The rules of break-glass (7.9)."""

from typing import Final

from tests.mutants.rules import Rule

_UNIT: Final = "services/customer-svc/tests/unit/test_7_9_break_glass.py"
_TESTS: Final = "services/customer-svc/tests/integration/access_grants/test_7_9_break_glass.py"
_SERVICE: Final = "customer_svc/access_grants/service.py"


def _customer(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, file, text, without, test, package="services/customer-svc")


ACCESS_RULES: Final = (
    Rule(
        "what is opened is opened for reading",
        "guanxi_common/security/principal.py",
        'opened=self.opened if permission.endswith(".read") else (),',
        "opened=self.opened,",
        f"{_UNIT}::test_7_9_what_is_opened_is_opened_for_reading_until_its_end",
    ),
    Rule(
        "an access ends by the clock",
        "guanxi_common/security/principal.py",
        " for grant in self.opened if now < grant.until]",
        " for grant in self.opened]",
        f"{_TESTS}::test_7_9_it_opens_one_customer_to_one_person_until_its_end_by_the_clock_alone",
    ),
    Rule(
        "opened customers are part of the row scope",
        "guanxi_common/security/directory/scope.py",
        "    return or_(within, customer_id.in_(opened)) if opened else within",
        "    return within",
        f"{_TESTS}::test_7_9_it_opens_one_customer_to_one_person_until_its_end_by_the_clock_alone",
    ),
    _customer(
        "nobody reviews their own access",
        _SERVICE,
        "    if not policy.may_review(reviewer, found.staff_id):",
        "    if False:",
        f"{_TESTS}::test_7_9_it_is_reviewed_once_by_somebody_else",
    ),
    _customer(
        "an access is reviewed once",
        _SERVICE,
        "    if found.reviewed_at is not None:",
        "    if False:",
        f"{_TESTS}::test_7_9_it_is_reviewed_once_by_somebody_else",
    ),
    _customer(
        "whoever sees the customer needs no break-glass",
        _SERVICE,
        "        raise AlreadyVisible",
        "        pass",
        f"{_TESTS}::test_7_9_whoever_sees_the_customer_needs_none",
    ),
    _customer(
        "a person's accesses are opened one at a time",
        _SERVICE,
        "    await repository.lock_person(work.uow, person)\n",
        "",
        f"{_TESTS}::test_7_9_of_many_at_once_no_more_are_opened_than_may_be",
    ),
    _customer(
        "each access is counted for its alert",
        _SERVICE,
        "    work.uow.after_commit(_count)\n",
        "",
        f"{_TESTS}::test_7_9_it_is_told_and_counted",
    ),
    Rule(
        "break-glass shows no contact points and no reason of a vulnerability",
        "guanxi_common/http/call.py",
        "        return not opened or customer_id not in self.scope.opened_at(self.parts.clock.now())",
        "        return True",
        "tests/contract/test_7_9_break_glass.py",
    ),
)
