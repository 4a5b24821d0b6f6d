"""C6: what a change of the contact preferences may say, and which agreement stands (D5)."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from customer_svc.contact_preferences.policy import outdated, wrong

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("channels", "topics", "quiet", "agreed_on", "pointers"),
    [
        (None, None, None, TODAY, []),
        (["phone", "sms"], ["funds", "loans"], ("22:00", "08:00"), TODAY, []),
        ([], [], None, TODAY, []),
        (["phone", "sms", "phone"], None, None, TODAY, ["/preferred_channels"]),
        (None, ["funds", "funds"], None, TODAY, ["/topics"]),
        (["funds"], ["funds"], None, TODAY, []),  # in two lists it is two things
        (None, None, ("22:00", "22:00"), TODAY, ["/quiet_hours/to"]),
        (None, None, ("08:00", "22:00"), TODAY, []),
        (None, None, ("22:00", "21:59"), TODAY, []),
        (None, None, None, TODAY + timedelta(days=1), ["/agreed_on"]),
        (None, None, None, date(1990, 1, 1), []),
        (["sms"] * 2, ["a"] * 2, ("07:00",) * 2, date(2027, 1, 1), ["/preferred_channels", "/topics", "/quiet_hours/to", "/agreed_on"]),
    ],
)  # fmt: skip
def test_c6_everything_that_is_wrong_is_named(
    channels: Sequence[str] | None,
    topics: Sequence[str] | None,
    quiet: tuple[str, str] | None,
    agreed_on: date,
    pointers: list[str],
) -> None:
    assert [error.pointer for error in wrong(channels, topics, quiet, agreed_on, TODAY)] == pointers


@pytest.mark.parametrize(
    ("fields", "agreed_on", "late"),
    [
        (["method"], "2026-11-20", []),  # of the same day: what is typed in last
        (["method"], "2026-11-19", ["/method"]),
        (["method", "topics"], "2026-11-19", ["/method"]),
        (["method", "topics"], "2025-12-31", ["/method", "/topics"]),
        (["topics"], "2026-01-05", []),
        (["quiet_hours"], "1990-01-01", []),  # nothing was agreed of it
        ([], "1990-01-01", []),
    ],
)
def test_d5_what_was_agreed_later_stands(fields: list[str], agreed_on: str, late: list[str]) -> None:
    agreed = {"method": {"on": "2026-11-20"}, "topics": {"on": "2026-01-05"}}
    errors = outdated(agreed, fields, date.fromisoformat(agreed_on))
    assert [error.pointer for error in errors] == late
    assert all(agreed[error.pointer[1:]]["on"] in error.detail.en for error in errors)
