"""The rules of touches (D4); see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

ENGAGEMENT: Final = "services/engagement-svc"
TOUCHES: Final = f"{ENGAGEMENT}/tests/unit/touches/test_d4_touches.py"
OPENED: Final = f"{ENGAGEMENT}/tests/integration/touches/test_d4_touches_opened.py"
SCORING: Final = "services/scoring-svc"


def _touches(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"engagement_svc/touches/{file}", text, without, test, ENGAGEMENT)


TOUCHES_RULES: Final = (
    _touches(
        "a birthday of 29 February is kept on 1 March",
        "policy.py",
        "        return date(year, 3, 1)",
        "        return date(year, 2, 28)",
        f"{TOUCHES}::test_d4_a_birthday_is_near_from_a_week_before_through_the_day",
    ),
    _touches(
        "a birthday is greeted once, whoever asked for it",
        "policy.py",
        "known.greeted_on >= begun_on",
        "False",
        f"{TOUCHES}::test_d4_one_birthday_is_greeted_once_whoever_asked_for_it",
    ),
    _touches(
        "care gives way to an action on the list",
        "policy.py",
        "heard_on is None or known.has_action",
        "heard_on is None",
        f"{TOUCHES}::test_d4_care_gives_way_to_whatever_else_is_planned",
    ),
    _touches(
        "care that came to nothing comes back with the next round only",
        "policy.py",
        "known.cared_for_on >= begun_on",
        "False",
        f"{TOUCHES}::test_d4_care_gives_way_to_whatever_else_is_planned",
    ),
    _touches(
        "a refused channel is never used",
        "policy.py",
        "is_granted(consents, PURPOSE, channel) is not False",
        "True",
        f"{TOUCHES}::test_d4_the_channel_is_the_customers_and_never_one_that_was_refused",
    ),
    _touches(
        "a withdrawn task does not count as the touch",
        "repository.py",
        "\" AND ended_because IS DISTINCT FROM 'withdrawn')\"",
        '")"',
        f"{OPENED}::test_d4_what_scoring_recommended_before_is_not_doubled",
    ),
    _touches(
        "a pass goes on where it was",
        "service.py",
        "    await repository.note_reached(work.uow, day.day, chunk[-1].customer_id)",
        "    await repository.finish_pass(work.uow, day.day, work.now)",
        f"{OPENED}::test_d4_a_pass_goes_chunk_by_chunk_and_reaches_everybody",
    ),
    Rule(
        "scoring withdraws the care and dates that it recommended before",
        "scoring_svc/actions/planner.py",
        "    if action.kind in FORMER_KINDS:",
        "    if False:",
        f"{SCORING}/tests/integration/actions/test_s5_planning.py::test_d4_care_and_dates_recommended_before_are_withdrawn",
        SCORING,
    ),
)
