"""Start, cancel and retry operations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.operations import repository
from guanxi_common.operations.errors import NotCancellable, NotRetryable
from guanxi_common.operations.metrics import OPERATIONS_ENDED
from guanxi_common.operations.repository import Caller, Operation


@dataclass(frozen=True, slots=True)
class Start:
    """What is started. `parameters` hold no personal data. With a `key` the kind's second start is the first one (a night's job)."""

    kind: str
    requested_by: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None


async def start(uow: UnitOfWork, wanted: Start, now: datetime) -> Operation:
    """Queue an operation for the worker, in the transaction of the request; or return the one that was started with the key."""
    fresh = Operation(new_id(), wanted.kind, dict(wanted.parameters), wanted.requested_by, now, now)
    return await repository.insert_operation(uow, fresh, wanted.key)


async def read(uow: UnitOfWork, caller: Caller, operation_id: UUID) -> Operation:
    """Raises `NotFound`."""
    operation = await repository.read_operation(uow, caller, operation_id)
    if operation is None:
        raise NotFound
    return operation


async def cancel(uow: UnitOfWork, caller: Caller, operation_id: UUID, now: datetime) -> Operation:
    """Cancel an open operation: a step under way is undone, what earlier steps did stays. Raises `NotFound`, `NotCancellable`."""
    cancelled = await repository.cancel_operation(uow, caller, operation_id, now)
    operation = await read(uow, caller, operation_id)
    if not cancelled:
        raise NotCancellable
    count_ended(uow, operation.kind, "cancelled")
    return operation


async def retry(uow: UnitOfWork, caller: Caller, operation_id: UUID, now: datetime) -> Operation:
    """Have a failed operation go on from its checkpoint. Raises `NotFound`, `NotRetryable`."""
    retried = await repository.retry_operation(uow, caller, operation_id, now)
    operation = await read(uow, caller, operation_id)
    if not retried:
        raise NotRetryable
    return operation


def count_ended(uow: UnitOfWork, kind: str, state: str) -> None:
    """Count an operation that has ended, once that is durable."""

    async def count() -> None:
        OPERATIONS_ENDED.labels(kind, state).inc()

    uow.after_commit(count)
