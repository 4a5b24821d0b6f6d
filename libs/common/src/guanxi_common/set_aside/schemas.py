"""What operators get of the items that have failed."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from guanxi_common.http.bodies import Answer
from guanxi_common.set_aside.repository import FailedItem

QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,62}$")]


class SetAsideItemOut(Answer):
    """An item of a queue that fails by itself."""

    id: UUID
    queue: str
    item: str = Field(description="The item's name within its queue: an id or a code.")
    state: Literal["retrying", "set_aside"] = Field(description="`set_aside`: it is not tried again by itself.")
    attempts: int = Field(description="Failures that counted: a database that was away does not.")
    reason: str = Field(description="A stable code.")
    error: str = Field(description="The kind of error and its place in the code; no personal data.")
    first_failed_at: datetime
    last_failed_at: datetime
    retry_at: datetime | None = Field(description="When it is tried again; null while it is set aside.")

    @classmethod
    def of(cls, failed: FailedItem) -> Self:
        known = {name: getattr(failed, name) for name in cls.model_fields if name != "state"}
        return cls(**known, state="set_aside" if failed.retry_at is None else "retrying")
