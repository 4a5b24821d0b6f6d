"""The rules of operations, files and the registry of personal data; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import INTEGRATION, Rule

OPERATIONS: Final = f"{INTEGRATION}/operations/test_d9_operations.py"


def _operation(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"guanxi_common/operations/{file}", text, without, f"{OPERATIONS}::{test}")


_operations = (
    _operation(
        "two workers never do the same step",
        "repository.py",
        'if alone or await uow.driver.fetchval(_LOCK, str(candidate["id"])):',
        "if True:",
        "test_d9_two_workers_never_do_the_same_step",
    ),
    _operation(
        "an operation that was begun alone ends before the next begins",
        "repository.py",
        'waiting.order_by((_operations.c.state == "running").desc(), _operations.c.requested_at, _operations.c.id)',
        "waiting.order_by(*order)",
        "test_d9_a_kind_that_goes_alone_does_one_operation_at_a_time_in_order",
    ),
    _operation(
        "a checkpoint is kept with its step",
        "repository.py",
        '        "checkpoint": dict(moved.checkpoint),\n',
        "",
        "test_d9_killed_in_the_middle_it_goes_on_and_nothing_comes_twice",
    ),
    _operation(
        "a step of a cancelled operation is undone",
        "worker.py",
        "    if not kept:\n        raise Cancelled\n",
        "",
        "test_d9_cancelled_during_a_step_its_effects_are_undone_and_earlier_ones_stay",
    ),
    _operation(
        "past the point of no return nothing is cancelled",
        "repository.py",
        "(_is_open(operation_id), _operations.c.cancellable, caller.sees())",
        "(_is_open(operation_id), caller.sees())",
        "test_d9_past_the_point_of_no_return_it_only_completes",
    ),
    _operation(
        "a step that runs out of time counts",
        "worker.py",
        "        if whose(error) is Whose.EVERYBODY:",
        "        if whose(error) is not Whose.ITEM:",
        "test_d9_a_step_that_always_runs_out_of_time_fails_and_the_next_operation_goes_on",
    ),
    _operation(
        "a database that is away counts for nothing",
        "worker.py",
        "        if whose(error) is Whose.EVERYBODY:",
        "        if False:",
        "test_d9_a_database_that_is_away_is_not_the_operations_failure",
    ),
    _operation(
        "nobody sees the operations of others without the permission for all",
        "repository.py",
        "true() if sees_all(self.scope) else _operations.c.requested_by == self.actor",
        "true()",
        "test_d9_the_starter_and_who_may_see_all_see_it_and_nobody_else",
    ),
    _operation(
        "the rows that failed are bounded",
        "policy.py",
        "[error.bounded() for error in errors[: max(MOST_ERRORS - kept, 0)]]",
        "[error.bounded() for error in errors]",
        "test_d9_rows_that_fail_are_counted_and_the_first_thousand_are_kept_bounded",
    ),
    _operation(
        "a start with a known key is the start before",
        "service.py",
        "insert_operation(uow, fresh, wanted.key)",
        "insert_operation(uow, fresh, None)",
        "test_d9_started_twice_with_one_key_it_is_one_operation",
    ),
)

REGISTRY: Final = "tests/contract/test_personal_data.py"

_registry = (
    Rule(
        "what was set aside goes with its customer",
        "guanxi_common/erasure/registry.py",
        '    PersonalTable("set_aside_item", column="item", as_text=True, export="none", holds="reference", purpose="operation"),\n',
        "",
        f"{INTEGRATION}/erasure/test_d8_registry.py",
    ),
    Rule(
        "whatever says something of a customer is exported",
        "engagement_svc/personal_data.py",
        'PersonalTable("interaction", ',
        'PersonalTable("interaction", export="none", ',
        f"{REGISTRY}::test_d8_sealed_columns_are_opened_for_the_subject",
        "services/engagement-svc",
    ),
    Rule(
        "an anonymised row keeps no free text",
        "engagement_svc/personal_data.py",
        """"content": "''", """,
        "",
        f"{REGISTRY}::test_d8_what_stays_of_an_erased_customer_holds_no_personal_column",
        "services/engagement-svc",
    ),
    Rule(
        "a table that names an account is declared",
        "customer_svc/personal_data.py",
        'for table in ("posting", "account_balance")',
        'for table in ("posting",)',
        f"{REGISTRY}::test_d8_every_table_with_a_customer_is_declared_once",
        "services/customer-svc",
    ),
)

OPS_RULES: Final = (*_operations, *_registry)
