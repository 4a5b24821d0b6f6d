"""Whose failure it is, when an item is tried again, and when it is set aside. Pure."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from guanxi_common.messaging.failures import is_transient, sqlstate_of

K = TypeVar("K", bound=Hashable)

STATEMENT_TIMEOUT: Final = "57014"
"""SQLSTATE `query_canceled`."""

_TIMES: Final = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """An item is set aside after `attempts` failures that count; before each next try it waits, `first_wait`, then four times as long."""

    attempts: int = 3
    first_wait: timedelta = timedelta(seconds=30)

    def retry_at(self, failed: int, now: datetime) -> datetime | None:
        """When an item that has failed so often is tried again; None: it is set aside."""
        return None if failed >= self.attempts else now + self.first_wait * _TIMES ** max(failed - 1, 0)


USUAL: Final = Patience()


class Whose(StrEnum):
    """What a failure is of: the item, everybody, or one of both that only the rest of the batch can tell."""

    ITEM = "item"
    EVERYBODY = "everybody"
    UNKNOWN = "unknown"


def whose(error: Exception) -> Whose:
    """A time-out may be a huge item's or a slow database's."""
    if sqlstate_of(error) == STATEMENT_TIMEOUT:
        return Whose.UNKNOWN
    return Whose.EVERYBODY if is_transient(error) else Whose.ITEM


def counting(failures: Mapping[K, Exception], *, done: int) -> frozenset[K]:
    """The items whose failure counts, of those that failed alone; `done`: how many of the batch got through.

    A time-out counts where the database has answered for anybody else meanwhile, or where nobody else was there.
    """
    own = {key for key, error in failures.items() if whose(error) is Whose.ITEM}
    return frozenset(failures) if done or own or len(failures) == 1 else frozenset()
