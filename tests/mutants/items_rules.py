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

SCORING: Final = "services/scoring-svc"
SUMS: Final = f"{SCORING}/tests/integration/ledger/test_d18_sums_at_the_limit.py"
QUEUES: Final = f"{SCORING}/tests/integration/set_aside/test_d18_queues.py"
CONCENTRATION: Final = f"{SCORING}/tests/unit/concentration/test_d18_exact_sums.py"


def _scoring(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"scoring_svc/{file}", text, without, test, SCORING)


_sums = (
    _scoring(
        "a day's sum saturates",
        "ledger/repository.py",
        "ELSE least(day.credit_minor + EXCLUDED.credit_minor, {SUM_LIMIT}) END",
        "ELSE day.credit_minor + EXCLUDED.credit_minor END",
        f"{SUMS}::test_d18_a_day_saturates_and_is_exact_again_when_reversals_take_it_below",
    ),
    _scoring(
        "a full day is counted anew",
        "ledger/repository.py",
        "    if full:\n",
        "    if False:\n",
        f"{SUMS}::test_d18_a_day_saturates_and_is_exact_again_when_reversals_take_it_below",
    ),
    _scoring(
        "what a score keeps of a balance saturates",
        "ledger/history.py",
        "return saturated(self.opening_minor + sum(change for on, change in self.balance_changes.items() if on <= day))",
        "return self.opening_minor + sum(change for on, change in self.balance_changes.items() if on <= day)",
        f"{SUMS}::test_d18_a_customer_beyond_eight_bytes_is_scored_and_stops_neither_scores_nor_the_head_office",
    ),
    _scoring(
        "one customer's value in a concentration saturates",
        "concentration/repository.py",
        'value=saturated_sql(f"coalesce(round({_VALUES[asked.measure]}), 0)"),',
        'value=f"coalesce(round({_VALUES[asked.measure]}), 0)::bigint",',
        f"{SUMS}::test_d18_a_customer_beyond_eight_bytes_is_scored_and_stops_neither_scores_nor_the_head_office",
    ),
    _scoring(
        "products of a sum are summed in two parts",
        "concentration/repository.py",
        'return f"{high} * {_PART} + sum(({amount}) % {_PART} * {factor}) {which}"',
        'return f"sum(({amount}) * {factor}) {which}"',
        f"{SUMS}::test_d18_a_customer_beyond_eight_bytes_is_scored_and_stops_neither_scores_nor_the_head_office",
    ),
    _scoring(
        "a sum over a book is exact",
        "concentration/policy.py",
        "return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())",
        "return int(values.sum())",
        f"{CONCENTRATION}::test_d18_a_sum_over_a_book_is_exact",
    ),
    _scoring(
        "a reported balance is bounded",
        "holdings/consumers.py",
        "    if told.money is not None and abs(told.money.amount) > POSTING_LIMIT:\n",
        "    if False:\n",
        f"{SCORING}/tests/integration/actions/test_s7_holdings_and_answers.py::test_d18_a_balance_beyond_the_limit_is_refused",
    ),
)

_queues = (
    _scoring(
        "the scorer passes over who is set aside",
        "queues/rescoring.py",
        'return await _take(uow, f"{_NOT_SET_ASIDE} ORDER BY since LIMIT $2", now, limit)',
        'return await _take(uow, "$1::timestamptz IS NOT NULL ORDER BY since LIMIT $2", now, limit)',
        f"{QUEUES}::test_d18_a_customer_who_cannot_be_scored_stops_nobody_and_is_scored_once_mended",
    ),
    _scoring(
        "a book run goes on without who is set aside",
        "runs/service.py",
        "    passed_over = await rescoring.pass_over(uow, today, now) if stale else 0\n",
        "    passed_over = stale\n",
        f"{QUEUES}::test_d18_a_book_run_passes_over_who_cannot_be_scored_or_told_of",
    ),
    _scoring(
        "whom a run cannot tell of is left to the scorer",
        "runs/publishing.py",
        "    await mark_dirty(uow, failed, method.calendar.local_date(now), now)\n",
        "",
        f"{QUEUES}::test_d18_a_book_run_passes_over_who_cannot_be_scored_or_told_of",
    ),
    _scoring(
        "a score that cannot be computed again does not end the check",
        "scorer/checks.py",
        "        return None if whose(error) is Whose.UNKNOWN else False\n",
        "        raise\n",
        f"{QUEUES}::test_d18_a_stored_score_that_cannot_be_computed_again_is_a_finding_and_the_check_goes_on",
    ),
)

ENGAGEMENT: Final = "services/engagement-svc"
EXPIRY: Final = f"{ENGAGEMENT}/tests/integration/contact_budget/test_d5_reservations_expire.py"


def _engagement(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"engagement_svc/{file}", text, without, test, ENGAGEMENT)


_reservations = (
    _engagement(
        "an offer ends with its reservation",
        "actions/service.py",
        "[action.task_id] if action.task_id else [], Ended.EXPIRED, SYSTEM, work.now",
        "[], Ended.EXPIRED, SYSTEM, work.now",
        f"{EXPIRY}::test_d5_an_offer_ends_with_its_reservation_and_scoring_learns_it",
    ),
)

ITEMS_RULES: Final = (*_texts, *_set_aside, *_sums, *_queues, *_reservations)
