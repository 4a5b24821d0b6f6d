"""Assign an RM to a customer, at once or from a stated moment on."""

from datetime import datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.call import Write
from guanxi_common.security.directory.values import Staff
from guanxi_common.security.principal import RowScope, ScopeKind

from customer_svc.assignments import policy, repository
from customer_svc.assignments.errors import EffectiveTooSoon, NotAssignable, TransferPending
from customer_svc.assignments.policy import Interval
from customer_svc.assignments.schemas import AssignmentRequest
from customer_svc.customers.events import CustomerAssigned
from customer_svc.directory import repository as directory
from customer_svc.parts import CustomerParts
from customer_svc.snapshots import service as snapshots


async def assign_customer(write: Write, parts: CustomerParts, customer_id: UUID, request: AssignmentRequest) -> list[Interval]:
    """Give the customer to an RM; returns the whole book.

    Raises `NotFound`, `NotAssignable`, `EffectiveTooSoon`, `TransferPending`.
    """
    uow, scope, now = write.uow, write.scope, write.now
    customer = await snapshots.lock_customer(uow, scope, customer_id, now)
    book = await repository.read_book(uow, scope, customer_id, now)
    if policy.transfer_pending(book, now):
        raise TransferPending
    effective_at = _effective_at(book, request, now)
    rm = await _assignable(uow, scope, request.rm_id, policy.KEEPS_CUSTOMERS)
    if request.assistant_id is not None:
        await _assignable(uow, scope, request.assistant_id, policy.ASSISTS)
    outlet_id = rm.outlet_id or customer.outlet_id
    book = policy.reassign(book, rm_id=rm.id, assistant_id=request.assistant_id, outlet_id=outlet_id, effective_at=effective_at)
    await repository.write_book(uow, customer_id, book, customer.version + 1)
    assigned = CustomerAssigned(
        customer_id=customer_id,
        outlet_id=outlet_id,
        primary_rm_id=rm.id,
        assistant_id=request.assistant_id,
        effective_at=effective_at,
    )
    await snapshots.tell_changes(uow, await parts.keys.get(customer_id), customer, [assigned], now)
    return book


def _effective_at(book: list[Interval], request: AssignmentRequest, now: datetime) -> datetime:
    earliest = policy.earliest_effect(book, now)
    if request.effective_at is None:
        return earliest
    if request.effective_at < earliest:
        raise EffectiveTooSoon
    return request.effective_at


async def _assignable(uow: UnitOfWork, scope: RowScope, staff_id: UUID, roles: frozenset[str]) -> Staff:
    staff = await directory.read_staff(uow, staff_id)
    reachable = staff is not None and (scope.kind is ScopeKind.ALL or staff.outlet_id in scope.outlet_ids)
    if staff is None or not reachable or not staff.active or staff.role not in roles:
        raise NotAssignable
    return staff
