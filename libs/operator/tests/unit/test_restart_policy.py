"""A process is started again later each time and never given up; what it gets to see of its supervisor's environment."""

import pytest
from guanxi_operator.policy import LONG_DELAYS_SECONDS, RestartBudget, is_notable, passed_on


def test_d18_from_the_fifth_exit_within_a_minute_on_it_is_tried_less_often_and_never_given_up() -> None:
    budget = RestartBudget()
    assert [budget.delay_after_exit(float(second)) for second in (0, 10, 20, 30)] == [0.5, 1.0, 2.0, 4.0]
    assert not budget.used_up
    assert [budget.delay_after_exit(float(second)) for second in (59, 90, 160, 230, 10_000)] == [30.0, 60.0, 60.0, 60.0, 60.0]
    assert budget.used_up


def test_one_that_stayed_up_has_a_budget_again() -> None:
    budget = RestartBudget()
    for second in range(5):
        budget.delay_after_exit(float(second))
    budget.stayed_up()
    assert not budget.used_up
    assert budget.delay_after_exit(100.0) == 0.5


def test_exits_further_apart_never_use_it_up() -> None:
    budget = RestartBudget()
    assert all(budget.delay_after_exit(20.0 * number) < LONG_DELAYS_SECONDS[0] for number in range(100))
    assert not budget.used_up


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


def test_a_child_gets_the_systems_variables_and_our_settings_and_nobodys_credentials() -> None:
    environment = {
        "PATH": "/usr/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GUANXI_ENVIRONMENT": "production",
        "GUANXI_MASTER_KEYS": "its own setting",
        "DATABASE_URL": "postgresql://of.the.server",
        "GUANXI_DATABASE_URL": "postgresql://of.another",
        "KEYS_DATABASE_URL": "postgresql://keys",
        "GUANXI_BUS_DATABASE_URL": "postgresql://bus",
        "CUSTOMER_DATABASE_URL": "postgresql://customer",
        "KAFKA_BOOTSTRAP_SERVERS": "broker:9092",
        "GUANXI_EVENT_SIGNING_KEY": "customer-svc/1:secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PGPASSWORD": "secret",
        "ENGAGEMENT_TOKEN": "secret",
    }
    passed = passed_on(environment)
    assert set(passed) == {"PATH", "HOME", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE", "GUANXI_ENVIRONMENT", "GUANXI_MASTER_KEYS"}
