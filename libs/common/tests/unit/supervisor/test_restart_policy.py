"""A process is started again later each time, and given up at its fifth end within a minute."""

import pytest
from guanxi_common.supervisor.policy import RestartBudget, is_notable


def test_the_fifth_exit_within_a_minute_uses_the_budget_up() -> None:
    budget = RestartBudget()
    assert [budget.delay_after_exit(float(second)) for second in (0, 10, 20, 30, 59)] == [0.5, 1.0, 2.0, 4.0, None]


def test_exits_further_apart_never_use_it_up() -> None:
    budget = RestartBudget()
    assert all(budget.delay_after_exit(20.0 * number) is not None for number in range(100))


def test_the_delay_is_short_again_after_a_quiet_minute() -> None:
    budget = RestartBudget()
    for second in (0.0, 1.0, 2.0):
        budget.delay_after_exit(second)
    assert budget.delay_after_exit(63.0) == 0.5


@pytest.mark.parametrize(
    ("line", "notable"),
    [
        ('{"level": "info", "event": "request"}', False),
        ('{"level": "debug"}', False),
        ('{"level": "warning", "event": "slow"}', True),
        ('{"level": "ERROR"}', True),
        ('{"event": "no level"}', True),
        ("{broken", True),
        ("Traceback (most recent call last):", True),
        ("INFO:     Started server process", False),
        ("DEBUG something", False),
        ("", False),
    ],
)
def test_warnings_and_what_is_no_log_line_go_to_the_console(line: str, notable: bool) -> None:
    assert is_notable(line) is notable
