"""Telling failures that pass from failures that stay.

A transient failure is tried again until it passes; a permanent one goes to the dead letters. What is not known to be transient is
permanent: a bug in a handler must not stop a partition for ever, and the dead-letter limit pauses what a bad deployment reads.
"""

from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from guanxi_common.messaging.bus import BusError, RecordRejected
from guanxi_common.messaging.stored import ERROR_LENGTH, REASON_LENGTH, stored_text

_TRANSIENT_CLASSES = frozenset({"08", "25", "26", "40", "53", "55", "57", "58"})
"""SQLSTATE classes: connection, transaction state, stale statement, rollback, resources, object in use, operator, system."""

_STALE_PLAN = "0A000"
"""`cached plan must not change result type`: a migration ran; a new transaction plans anew."""


_FAILED_TRANSACTION = "25P02"
"""`current transaction is aborted`: a handler has swallowed the failure of a statement, and would do so again."""

_DRIVER_ERRORS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises on a connection that the server has ended, the second one when it has not yet read the end."""


_STATEMENT_TIMEOUT = "57014"
"""`canceling statement due to statement timeout`: the server is there, and this statement took too long."""


class PermanentError(Exception):
    """Raised by a handler: this event can never be applied. `reason` is a stable code; the text must not repeat personal data."""

    def __init__(self, reason: str, detail: str = "", *, event_id: UUID | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.event_id = event_id


class LostRace(Exception):
    """Another member has changed the same rows meanwhile: do it again in a new transaction."""


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE of a database error, also where SQLAlchemy has wrapped it."""
    source = error.orig if isinstance(error, DBAPIError) else error
    return getattr(source, "sqlstate", None)


def is_transient(error: BaseException) -> bool:
    """Whether trying again later may succeed."""
    if isinstance(error, RecordRejected):
        return False
    if isinstance(error, (LostRace, BusError, OSError, TimeoutError, PoolTimeoutError)):
        return True
    state = sqlstate_of(error)
    if state is not None:
        return (state[:2] in _TRANSIENT_CLASSES and state != _FAILED_TRANSACTION) or state == _STALE_PLAN
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    return isinstance(error, _DRIVER_ERRORS) and not isinstance(error, ValueError)


def is_too_slow(error: BaseException) -> bool:
    """Whether a statement was ended for taking too long, by a server that is well: less work at once may pass."""
    return sqlstate_of(error) == _STATEMENT_TIMEOUT


def reason_of(error: BaseException) -> str:
    """The stable code of a permanent failure."""
    if isinstance(error, PermanentError):
        return stored_text(error.reason, REASON_LENGTH)
    state = sqlstate_of(error)
    return f"sqlstate_{state}" if state else stored_text(type(error).__name__, REASON_LENGTH)


def describe(error: BaseException) -> str:
    """What may be stored and logged about a failure: never the text of a foreign error, which may quote the data."""
    text = type(error).__name__
    if isinstance(error, (PermanentError, BusError, LostRace)):
        text = f"{text}: {error}"
    elif state := sqlstate_of(error):
        text = f"{text} (SQLSTATE {state})"
    return stored_text(text, ERROR_LENGTH)
