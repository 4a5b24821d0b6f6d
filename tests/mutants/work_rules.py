"""The rules of what a use case works with and of what slices offer, for `make mutants`; see `rules`."""

from typing import Final

from tests.mutants.rules import UNIT, Rule

WORK: Final = f"{UNIT}/test_work.py"
SLICES: Final = f"{UNIT}/test_slices.py"

WORK_RULES: Final = (
    Rule(
        "today is the bank's day",
        "guanxi_common/work.py",
        "calendar.local_date(now))",
        "now.date())",
        f"{WORK}::test_8a_the_system_works_on_all_rows_on_the_banks_day",
    ),
    Rule(
        "the system works as no person",
        "guanxi_common/work.py",
        "        if self.caller is None:\n            raise PersonRequired\n        return self.caller.staff_id",
        "        return self.caller.staff_id if self.caller else UUID(int=0)",
        f"{WORK}::test_8a_only_a_person_works_as_a_person",
    ),
    Rule(
        "a second permission is asked for",
        "guanxi_common/work.py",
        "            self.caller.scope(permission)",
        "            pass",
        f"{WORK}::test_8a_a_second_permission_is_demanded_of_callers_and_not_of_the_system",
    ),
    Rule(
        "a version that If-Match does not name is stale",
        "guanxi_common/work.py",
        "        if self.allowed is not None and version not in self.allowed:",
        "        if False:",
        f"{WORK}::test_8a_another_version_is_refused_with_the_tag_of_the_present_one",
    ),
    Rule(
        "a refused change shows the present version",
        "guanxi_common/http/problems.py",
        "    if isinstance(error, StaleVersion) and error.current is not None:",
        "    if False:",
        f"{WORK}::test_8a_another_version_is_refused_with_the_tag_of_the_present_one",
    ),
    Rule(
        "a higher slice's step stands behind the lower one's",
        "guanxi_common/slices.py",
        "(*steps.get(type_, ()), handler)",
        "(handler, *steps.get(type_, ()))",
        f"{SLICES}::test_8a_slices_that_take_one_type_stand_behind_each_other_in_their_order",
    ),
    Rule(
        "a topic is read in one way",
        "guanxi_common/slices.py",
        "    if any((other.dedupe, other.parsed_by) != (one.dedupe, one.parsed_by) for other in readers):",
        "    if False:",
        f"{SLICES}::test_8a_a_topic_is_read_in_one_way",
    ),
    Rule(
        "a job works in its own name",
        "guanxi_common/jobs.py",
        "            return await use_case(self.work(uow, name))",
        '            return await use_case(self.work(uow, "job"))',
        f"{SLICES}::test_8a_a_job_works_in_its_own_name_at_one_instant_of_the_clock",
    ),
)
