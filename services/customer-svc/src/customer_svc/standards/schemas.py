"""Bodies of the operations on standards."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Line, Prose
from guanxi_common.instants import Instant
from pydantic import AfterValidator, Field

KIND = r"^[a-z][a-z_]{0,63}$"
LONGEST_TEXT = 2_000


def _of_short_texts(contents: dict[str, Any]) -> dict[str, Any]:
    """No schema of a kind bounds its texts; four times the longest that ships is enough for any, names and keys alike."""
    waiting: list[Any] = [contents]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise ValueError("a text is longer than 2,000 characters")
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
    return contents


Contents = Annotated[
    dict[str, Any],
    Field(max_length=200, description="As the schema of the kind says (`readStandard`); texts of at most 2,000 characters."),
    AfterValidator(_of_short_texts),
]


class VersionProposal(Body):
    """The whole body of the next version, not a change of the last one."""

    body: Contents
    reason: Prose
    effective_at: Instant | None = Field(
        default=None,
        description="From when on it counts: five minutes after its approval at the earliest. Null: as soon as that.",
    )


class Decision(Body):
    """Why the proposal is approved or turned down."""

    reason: Line


class StandardOut(Answer):
    """A kind of standard. `in_force` is the number of the version that counts now, `newest` the last one approved, in force or not."""

    kind: str
    service: str
    zh: str
    en: str
    in_force: int
    in_force_since: datetime
    newest: int
    newest_effective_at: datetime


class StandardVersionOut(Answer):
    """A version. `author` and `approved_by`: `staff:<id>`; of what came with the package the author is named, and nobody approved it."""

    kind: str
    number: int
    body: dict[str, Any]
    author: str
    reason: str
    approved_by: str | None
    approved_at: datetime
    effective_at: datetime


class StandardInForceOut(StandardOut):
    """A kind with the version that counts now, and the JSON Schema (2020-12) of its body."""

    version: StandardVersionOut
    body_schema: dict[str, Any]
    has_preview: bool


class StandardProposalOut(Answer):
    """A version that a second person decides on. `package_version`: it came with the package under that number. `number`: as what it was
    approved."""

    id: UUID
    kind: str
    body: dict[str, Any]
    reason: str
    effective_at: datetime | None
    base_number: int = Field(description="The newest version when it was proposed; another one makes the proposal outdated.")
    package_version: int | None
    author: str
    proposed_at: datetime
    expires_at: datetime | None
    state: str
    number: int | None
    decided_by: UUID | None
    decided_at: datetime | None
    decision_reason: str | None


class MoveOut(Answer):
    """So many customers would go from one to the other; `none`: to or from nothing."""

    before: str
    after: str
    customers: int


class PreviewOut(Answer):
    """What a proposal would change if it counted now, in the place of version `against`. `complete`: everybody was looked at."""

    kind: str
    against: int
    looked_at: int
    complete: bool
    moves: list[MoveOut]
    examples: list[UUID]
