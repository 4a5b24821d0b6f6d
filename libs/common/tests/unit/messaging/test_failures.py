"""What is tried again and what is buried; and that neither the store nor the log learns the data from an error."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from guanxi_common.messaging.bus import BusUnavailable, CommitFenced, RecordRejected
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import LostRace, PermanentError, describe, is_transient, reason_of
from guanxi_common.messaging.processing import calls
from sqlalchemy.exc import DBAPIError, IntegrityError


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        LostRace(),
        BusUnavailable(),
        CommitFenced(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.SerializationError(),
        asyncpg.QueryCanceledError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.AdminShutdownError(),
        asyncpg.IdleInTransactionSessionTimeoutError(),
        asyncpg.InvalidCachedStatementError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("another operation is in progress"),
        DBAPIError("SELECT", {}, asyncpg.DeadlockDetectedError()),
        DBAPIError("SELECT", {}, asyncpg.InterfaceError("closed"), connection_invalidated=True),
    ],
    ids=repr,
)
def test_what_passes_is_tried_again(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        PermanentError("rule"),
        KeyError("name"),
        ValueError("王伟"),
        RecordRejected(),
        asyncpg.UniqueViolationError(),
        asyncpg.UndefinedTableError(),
        asyncpg.DataError("invalid input"),
        IntegrityError("INSERT", {}, asyncpg.NotNullViolationError()),
    ],
    ids=repr,
)
def test_what_stays_is_buried(error: Exception) -> None:
    assert not is_transient(error)


def test_a_foreign_error_is_named_and_never_quoted() -> None:
    assert describe(ValueError("王伟 110101199003077758")) == "ValueError"
    assert describe(asyncpg.UniqueViolationError("Key (phone)=(139) exists")) == "UniqueViolationError (SQLSTATE 23505)"
    assert describe(PermanentError("unknown_currency")) == "PermanentError: unknown_currency"
    assert reason_of(IntegrityError("INSERT", {}, asyncpg.UniqueViolationError())) == "sqlstate_23505"
    assert reason_of(PermanentError("unknown_currency")) == "unknown_currency"


def test_events_of_a_key_keep_their_order_over_handlers_and_calls_are_few() -> None:
    async def first(uow: object, events: object) -> None: ...

    async def second(uow: object, events: object) -> None: ...

    def event(key: str, type_: str, n: int) -> Envelope:
        return Envelope(UUID(int=n), type_, "t", key, "/test", datetime.now(UTC), {"n": n})

    story = [("a", "x"), ("b", "x"), ("a", "y"), ("a", "x"), ("b", "x"), ("c", "y"), ("a", "x")]
    events = [event(key, type_, n) for n, (key, type_) in enumerate(story)]
    made = calls(events, {"t": {"x": first, "y": second}})
    assert [(handler, [one.id.int for one in given]) for handler, given in made] == [
        (first, [0, 1, 4]),
        (second, [5]),
        (second, [2]),
        (first, [3, 6]),
    ]
