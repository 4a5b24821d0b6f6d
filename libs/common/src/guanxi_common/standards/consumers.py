"""The replica of versions: the handler of `standard.snapshot` on `directory.snapshots`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, ValidationError

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope, newest_of_each_key
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.standards import repository
from guanxi_common.standards.policy import StandardVersion

STANDARD_SNAPSHOT: Final = "guanxi.standard.snapshot.v1"

STANDARD_KEYS: Final = {"standard_version": "'standard:' || kept.kind || ':' || kept.number"}
"""The key in `directory.snapshots` of the table's rows, for a rebuild (`recovery.rebuilds.Replica`)."""


class _VersionData(BaseModel):
    kind: str
    number: Annotated[int, Field(ge=1, le=2**31 - 1)]
    body: dict[str, Any]
    author: str
    reason: str
    approved_by: str | None = None
    approved_at: datetime
    effective_at: datetime


async def apply_standards(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Keep the versions. Raises `PermanentError` for a tombstone: a version is never taken back."""
    await repository.store_versions(uow, [_version(event) for event in newest_of_each_key(events)])


def _version(event: Envelope) -> StandardVersion:
    if event.data is None:
        raise PermanentError("standard_tombstone", event.type, event_id=event.id)
    try:
        data = _VersionData.model_validate(event.data)
    except ValidationError as error:
        raise PermanentError("invalid_snapshot", event.type, event_id=event.id) from error
    return StandardVersion(**dict(data))
