"""D18: when an item is tried again, and whose a failure is."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from guanxi_common.messaging.failures import LostRace, PermanentError
from guanxi_common.set_aside.policy import Patience, Whose, counting, whose

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize(("failed", "seconds"), [(0, 30), (1, 30), (2, 120), (3, None), (4, None)])
def test_d18_an_item_waits_longer_each_time_and_is_set_aside_after_the_third(failed: int, seconds: int | None) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert Patience().retry_at(failed, NOW) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError(), Whose.ITEM),
        (OverflowError(), Whose.ITEM),
        (PermanentError("unknown_kind"), Whose.ITEM),
        (asyncpg.NumericValueOutOfRangeError(), Whose.ITEM),
        (asyncpg.UniqueViolationError(), Whose.ITEM),
        (asyncpg.ProgramLimitExceededError(), Whose.ITEM),
        (asyncpg.DeadlockDetectedError(), Whose.EVERYBODY),
        (asyncpg.LockNotAvailableError(), Whose.EVERYBODY),
        (asyncpg.ConnectionDoesNotExistError(), Whose.EVERYBODY),
        (asyncpg.AdminShutdownError(), Whose.EVERYBODY),
        (asyncpg.DiskFullError(), Whose.EVERYBODY),
        (ConnectionRefusedError(), Whose.EVERYBODY),
        (TimeoutError(), Whose.EVERYBODY),
        (LostRace(), Whose.EVERYBODY),
        (asyncpg.QueryCanceledError(), Whose.UNKNOWN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_d18_whose_a_failure_is(error: Exception, expected: Whose) -> None:
    assert whose(error) is expected


@pytest.mark.parametrize(
    ("failures", "done", "expected"),
    [
        ({"a": ValueError()}, 0, {"a"}),
        ({"a": ValueError(), "b": ValueError()}, 0, {"a", "b"}),
        ({"a": asyncpg.QueryCanceledError()}, 24, {"a"}),
        ({"a": asyncpg.QueryCanceledError()}, 0, {"a"}),
        ({"a": asyncpg.QueryCanceledError(), "b": ValueError()}, 0, {"a", "b"}),
        ({"a": asyncpg.QueryCanceledError(), "b": asyncpg.QueryCanceledError()}, 1, {"a", "b"}),
        ({"a": asyncpg.QueryCanceledError(), "b": asyncpg.QueryCanceledError()}, 0, set()),
        ({}, 3, set()),
    ],
)
def test_d18_a_time_out_of_the_whole_batch_counts_against_nobody(
    failures: dict[str, Exception], done: int, expected: set[str]
) -> None:
    assert counting(failures, done=done) == expected
