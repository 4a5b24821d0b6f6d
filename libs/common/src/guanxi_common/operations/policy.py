"""The states of an operation, and what a step says of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from guanxi_common.errors import DomainError, Text
from guanxi_common.messaging.stored import stored_text
from guanxi_common.security.principal import RowScope, ScopeKind

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

OPEN: Final = ("queued", "running")
MOST_ERRORS: Final = 1_000
"""So many rows that failed are kept with their reason; all of them are counted."""
ITEM_LENGTH, CODE_LENGTH, TEXT_LENGTH = 255, 100, 500
TRIED_TOO_OFTEN: Final = "step_failed"


@dataclass(frozen=True, slots=True)
class RowError:
    """A row of the operation's input that could not be done. `item` names it: a line or an id, no personal data."""

    item: str
    code: str
    detail: Text

    def bounded(self) -> "RowError":
        """The same in the lengths that are stored, without what the database refuses."""
        detail = Text(stored_text(self.detail.en, TEXT_LENGTH), stored_text(self.detail.zh, TEXT_LENGTH))
        return RowError(stored_text(self.item, ITEM_LENGTH), stored_text(self.code, CODE_LENGTH), detail)


@dataclass(frozen=True, slots=True)
class Moved:
    """A step is done, and the next one goes on from `checkpoint`. `done` of `total` rows of this `stage` are done.

    `errors` are the rows of this step that could not be done. `cancellable`: whether the operation may still be cancelled.
    """

    checkpoint: Mapping[str, Any]
    done: int
    total: int | None = None
    stage: str | None = None
    errors: Sequence[RowError] = ()
    cancellable: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """The last step is done. `result`: figures and ids, no personal data. `done`: rows; None leaves the count as it is."""

    result: Mapping[str, Any] = field(default_factory=dict)
    done: int | None = None
    errors: Sequence[RowError] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an operation has failed: a stable code, and the reason in both languages."""

    code: str
    reason: Text

    @classmethod
    def of(cls, error: DomainError) -> "Failure":
        """What a step refused."""
        reason = error.detail or error.title
        return cls(error.code, Text(stored_text(reason.en, TEXT_LENGTH), stored_text(reason.zh, TEXT_LENGTH)))

    @classmethod
    def after(cls, attempts: int, described: str) -> "Failure":
        """A step that failed `attempts` times; `described` names the kind of error and its place, and quotes no data."""
        return cls(
            TRIED_TOO_OFTEN,
            Text(
                f"A step failed {attempts} times: {described}"[:TEXT_LENGTH], f"步骤失败 {attempts} 次：{described}"[:TEXT_LENGTH]
            ),
        )


def kept_errors(kept: int, errors: Sequence[RowError]) -> Sequence[RowError]:
    """The errors that are kept beside the `kept` ones there are."""
    return [error.bounded() for error in errors[: max(MOST_ERRORS - kept, 0)]]


def sees_all(scope: RowScope) -> bool:
    """Whether a caller with this scope sees the operations of others. An outlet has none: operations belong to who started them."""
    return scope.kind is ScopeKind.ALL
