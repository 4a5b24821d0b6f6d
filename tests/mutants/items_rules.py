"""The rules of texts, of sums and of queues in which an item fails alone; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import INTEGRATION, UNIT, Rule

TEXT: Final = f"{UNIT}/test_text.py"

_texts = (
    Rule(
        "a mask shows no more than half",
        "guanxi_common/text.py",
        "min(MASKED_TAIL, len(number) // 2)",
        "min(MASKED_TAIL, len(number))",
        f"{TEXT}::test_a_mask_shows_the_last_four_and_never_more_than_half",
    ),
    Rule(
        "a name holds no format character",
        "guanxi_common/text.py",
        '"Cc", "Cf", "Cs"',
        '"Cc", "Cs"',
        f"{TEXT}::test_what_nobody_sees_or_turns_the_order_around_is_refused",
    ),
    Rule(
        "a Persian name keeps its non-joiner",
        "guanxi_common/text.py",
        "return _is_virama(before) or all(_is_arabic(letter) for letter in neighbours)",
        "return _is_virama(before)",
        f"{TEXT}::test_what_scripts_need_stays",
    ),
    Rule(
        "a name is read by the type of names",
        "guanxi_common/http/bodies.py",
        "max_length=200), READABLE]",
        "max_length=200)]",
        f"{TEXT}::test_what_nobody_sees_or_turns_the_order_around_is_refused",
    ),
)

ALONE: Final = f"{INTEGRATION}/set_aside/test_d18_an_item_fails_alone.py"
PATIENCE: Final = f"{UNIT}/set_aside/test_d18_patience.py"


def _aside(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"guanxi_common/{file}", text, without, test)


_set_aside = (
    _aside(
        "an item that fails is undone alone",
        "set_aside/service.py",
        "            failures[one] = error\n",
        "            raise\n",
        f"{ALONE}::test_d18_the_others_are_done_and_the_poisoned_stays_on_its_queue",
    ),
    _aside(
        "what was undone tells nothing after the commit",
        "db/uow.py",
        "            del self._after_commit[callbacks:]\n",
        "",
        f"{ALONE}::test_d18_the_others_are_done_and_the_poisoned_stays_on_its_queue",
    ),
    _aside(
        "an item waits before its next try",
        "set_aside/policy.py",
        "return None if failed >= self.attempts else now + self.first_wait * _TIMES ** max(failed - 1, 0)",
        "return None if failed >= self.attempts else now",
        f"{ALONE}::test_d18_it_does_not_block_the_head_and_is_set_aside_after_three_tries",
    ),
    _aside(
        "an item is set aside in the end",
        "set_aside/policy.py",
        "return None if failed >= self.attempts else now",
        "return now",
        f"{ALONE}::test_d18_it_does_not_block_the_head_and_is_set_aside_after_three_tries",
    ),
    _aside(
        "success forgets the failures",
        "set_aside/service.py",
        "                await repository.forget(uow, queue, [str(key(item)) for item in taken])\n",
        "",
        f"{ALONE}::test_d18_success_between_two_failures_begins_anew",
    ),
    _aside(
        "a time-out may be one item's",
        "set_aside/policy.py",
        "    if sqlstate_of(error) == STATEMENT_TIMEOUT:\n        return Whose.UNKNOWN\n",
        "",
        f"{ALONE}::test_d18_a_time_out_of_one_huge_item_is_its_own",
    ),
    _aside(
        "a time-out of the whole batch counts against nobody",
        "set_aside/policy.py",
        "if done or own or len(failures) == 1 else frozenset()",
        "",
        f"{PATIENCE}::test_d18_a_time_out_of_the_whole_batch_counts_against_nobody",
    ),
    _aside(
        "a deadlock is everybody's",
        "set_aside/policy.py",
        "return Whose.EVERYBODY if is_transient(error) else Whose.ITEM",
        "return Whose.ITEM",
        f"{ALONE}::test_d18_a_lost_connection_or_deadlock_ends_the_run_and_notes_nothing",
    ),
    _aside(
        "what is said of a failure can be stored",
        "set_aside/service.py",
        'said = f"{describe(error)} at {_place_of(error)}".replace("\\0", "")[:500]',
        'said = f"{describe(error)} at {_place_of(error)}"',
        f"{ALONE}::test_d18_what_is_said_of_a_failure_is_bounded_and_can_be_stored",
    ),
)

ITEMS_RULES: Final = (*_texts, *_set_aside)
