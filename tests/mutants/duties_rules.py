"""The rules of duties and their evidence (D1); see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

ENGAGEMENT: Final = "services/engagement-svc"
EVIDENCE: Final = f"{ENGAGEMENT}/tests/unit/tasks/test_d1_evidence.py"
DUTIES: Final = f"{ENGAGEMENT}/tests/integration/tasks/test_d1_duties.py"
ARRANGING: Final = f"{ENGAGEMENT}/tests/integration/tasks/test_d1_arranging.py"
CORRECTORS: Final = f"{ENGAGEMENT}/tests/unit/interactions/test_d3_who_corrects.py"
CORRECTIONS: Final = f"{ENGAGEMENT}/tests/integration/interactions/test_d3_corrections.py"
REVISIONS: Final = "services/scoring-svc/tests/integration/engagements/test_d3_corrected_contacts.py"
TAKEN_UP: Final = f"{ENGAGEMENT}/tests/integration/actions/test_s5_actions_taken_up.py"


def _engagement(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"engagement_svc/{file}", text, without, test, ENGAGEMENT)


DUTIES_RULES: Final = (
    _engagement(
        "a message without an answer ends no duty that needs a conversation",
        "tasks/policy.py",
        "    if not contact.two_way:",
        "    if False:",
        f"{EVIDENCE}::test_d1_a_contact_ends_what_its_purpose_and_its_way_fit",
    ),
    _engagement(
        "a message from the customer is no greeting of ours",
        "tasks/policy.py",
        '    if contact.direction != "outbound":',
        "    if False:",
        f"{EVIDENCE}::test_d1_a_contact_ends_what_its_purpose_and_its_way_fit",
    ),
    _engagement(
        "a contact for another purpose must name the task",
        "tasks/policy.py",
        "or (named and contact.purpose in ends_by.if_named)",
        "or contact.purpose in ends_by.if_named",
        f"{EVIDENCE}::test_d1_a_contact_ends_what_its_purpose_and_its_way_fit",
    ),
    _engagement(
        "a contact answers nothing that was opened after it",
        "tasks/policy.py",
        "    if evidence.occurred_at < task.opened_at:",
        "    if False:",
        f"{EVIDENCE}::test_d1_a_misfit_says_why",
    ),
    _engagement(
        "a contact with one customer answers no task about another",
        "tasks/policy.py",
        " or task.customer_id != evidence.customer_id:",
        ":",
        f"{EVIDENCE}::test_d1_a_misfit_says_why",
    ),
    _engagement(
        "a deed ends the duties of its own matter alone",
        "tasks/policy.py",
        "return None if task.origin in evidence.answers else Misfit.ANOTHER_SUBJECT",
        "return None",
        f"{EVIDENCE}::test_d1_a_deed_ends_the_duty_of_its_own_matter_alone",
    ),
    _engagement(
        "a clock of calendar days does not wait for a business day",
        "tasks/policy.py",
        "calendar.start_of_day(calendar.local_date(start) + timedelta(days=clock.count + 1))",
        "calendar.end_of_business_day(calendar.local_date(start) + timedelta(days=clock.count))",
        f"{EVIDENCE}::test_d1_each_clock_counts_in_the_unit_of_its_standard",
    ),
    _engagement(
        "naming a task that the contact cannot end is refused",
        "tasks/service.py",
        "    if refused:\n",
        "    if False:\n",
        f"{DUTIES}::test_d1_naming_a_task_that_a_contact_cannot_end_is_refused_with_its_place_and_reason",
    ),
    _engagement(
        "a complaint opens its duties itself",
        "complaints/service.py",
        "    for duty in policy.DUTIES:",
        "    for duty in ():",
        f"{DUTIES}::test_d1_a_complaint_opens_its_duties_in_its_own_transaction",
    ),
    _engagement(
        "a complaint is acknowledged once",
        "complaints/service.py",
        "    if complaint.acknowledged_at is not None:",
        "    if False:",
        f"{DUTIES}::test_d1_of_many_acknowledgements_at_once_one_counts_and_the_others_say_whose",
    ),
    _engagement(
        "every task that leaves the list without evidence is told",
        "tasks/service.py",
        "            for task_id, customer_id, task_type in cancelled\n",
        "            for task_id, customer_id, task_type in ()\n",
        f"{TAKEN_UP}::test_d1_an_offer_that_has_ended_otherwise_says_so",
    ),
    _engagement(
        "a task is put off until its warning at the latest",
        "tasks/policy.py",
        "return NotSnoozed.TOO_LATE if until > due_at - task_type.warn else None",
        "return None",
        f"{EVIDENCE}::test_d1_a_task_is_put_off_until_its_warning_at_the_latest",
    ),
    _engagement(
        "a task whose clock has run out is on the list, though it was put off",
        "tasks/repository.py",
        'escalated_to=bindparam("b_lead"), **_SHOWN_AGAIN)',
        'escalated_to=bindparam("b_lead"))',
        f"{ARRANGING}::test_d1_the_clock_of_what_is_put_off_runs_on_and_its_end_brings_it_back",
    ),
    _engagement(
        "a task is handed to an assistant of the customer alone",
        "tasks/service.py",
        "    if to is not None and to not in await repository.assistants_of(work.uow, task.customer_id, work.now):",
        "    if False:",
        f"{ARRANGING}::test_d1_a_task_is_handed_to_an_assistant_of_the_customer_and_to_nobody_else",
    ),
    _engagement(
        "what was handed to somebody who assists no more goes back",
        "tasks/following.py",
        "    found = _moved(await uow.driver.execute(_TAKE_BACK, now))",
        "    found = 0",
        f"{ARRANGING}::test_d1_a_task_is_handed_to_an_assistant_of_the_customer_and_to_nobody_else",
    ),
    _engagement(
        "the open tasks of an erased customer end, and that is told",
        "tasks/consumers.py",
        "            await service.end_with_the_erased(uow, [erasure.customer_id], erasure.erased_at)",
        "            pass",
        f"{ARRANGING}::test_d1_an_erased_customers_open_tasks_end_and_that_is_told",
    ),
    _engagement(
        "nobody else's record is corrected but by the lead",
        "interactions/policy.py",
        "    if not author and not lead:",
        "    if False:",
        f"{CORRECTORS}::test_d3_the_author_has_seven_days_and_the_lead_thirty",
    ),
    _engagement(
        "a task that the corrected contact answers no more is open again",
        "tasks/service.py",
        "    if reopened:\n",
        "    if False:\n",
        f"{CORRECTIONS}::test_d3_a_task_that_the_contact_answers_no_more_is_open_again_with_its_clock",
    ),
    _engagement(
        "a task that is open again is not breached at once",
        "tasks/repository.py",
        "_task.c.due_at <= now, graceless, of_which",
        "_task.c.due_at <= now, of_which",
        f"{CORRECTIONS}::test_d3_a_task_open_again_has_a_business_day_before_it_is_breached",
    ),
    _engagement(
        "a slip of the pen has nothing judged again",
        "interactions/service.py",
        "    if any(getattr(corrected, name) != getattr(said, name) for name in policy.EVIDENCE):\n",
        "    if True:\n",
        f"{CORRECTIONS}::test_d3_a_slip_of_the_pen_has_nothing_judged_again",
    ),
    _engagement(
        "a contact is not moved behind its own record",
        "interactions/service.py",
        "policy.is_in_the_future(corrected.occurred_at, said.recorded_at)",
        "policy.is_in_the_future(corrected.occurred_at, work.now)",
        f"{CORRECTIONS}::test_d3_a_contact_is_never_moved_behind_its_own_record",
    ),
    _engagement(
        "of two corrections at once one counts",
        "interactions/service.py",
        "    work.check_version(said.revision)\n",
        "",
        f"{CORRECTIONS}::test_d3_of_two_corrections_at_once_one_counts",
    ),
    _engagement(
        "the budget follows a correction",
        "contact_budget/service.py",
        "    await repository.give_back(work.uow, [one.id for one in counted], work.now)\n",
        "",
        f"{CORRECTIONS}::test_d3_the_budget_follows",
    ),
    _engagement(
        "an offer that is open again rests on a contact set aside anew",
        "interactions/service.py",
        "    await corrections.reserve_again(work, rules, reopened)\n",
        "",
        f"{CORRECTIONS}::test_d3_an_offer_worked_on_again_rests_on_a_contact_set_aside_anew",
    ),
    _engagement(
        "what was said before a correction stays",
        "interactions/repository.py",
        '    await uow.execute(insert(_revision).from_select(["interaction_id", "revision", "customer_id", "said"], before))\n',
        "",
        f"{CORRECTIONS}::test_d3_every_revision_stays_readable",
    ),
    Rule(
        "an older revision of a contact that arrives later counts no more",
        "scoring_svc/engagements/repository.py",
        "            AND kept.revision > incoming.revision\n",
        "            AND false\n",
        f"{REVISIONS}::test_d3_the_greatest_revision_counts_in_every_order_of_arrival",
        "services/scoring-svc",
    ),
    Rule(
        "a greater revision supersedes what was known of the contact",
        "scoring_svc/engagements/repository.py",
        "        AND kept.revision < incoming.revision AND kept.superseded_at IS NULL\n",
        "        AND false\n",
        f"{REVISIONS}::test_d3_the_greatest_revision_counts_in_every_order_of_arrival",
        "services/scoring-svc",
    ),
    Rule(
        "the outcome of an action that is open again is forgotten",
        "scoring_svc/actions/service.py",
        "success=success, times=-1)",
        "success=success, times=0)",
        "services/scoring-svc/tests/integration/actions/test_s5_planning.py"
        "::test_d3_an_action_worked_on_again_is_live_and_its_outcome_is_learnt_anew",
        "services/scoring-svc",
    ),
)
