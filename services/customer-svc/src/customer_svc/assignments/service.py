"""Assign an RM to a customer, at once or from a stated moment on; replace or cancel what is decided and has not begun."""

from datetime import datetime
from uuid import UUID

from guanxi_common.keys.store import KeyStore
from guanxi_common.security.directory.values import Staff
from guanxi_common.security.principal import ScopeKind
from guanxi_common.work import Work

from customer_svc.assignments import policy
from customer_svc.assignments.errors import EffectiveTooSoon, NotAssignable, NoTransferPending, TransferPending, TransferSettled
from customer_svc.assignments.events import CustomerAssigned, CustomerTransferCancelled
from customer_svc.assignments.schemas import AssignmentRequest
from customer_svc.book import repository
from customer_svc.book.policy import KEEPS_CUSTOMERS, Interval
from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.repository import Customer
from customer_svc.directory import repository as directory
from customer_svc.facets.policy import Facet


async def assign_customer(work: Work, keys: KeyStore, customer_id: UUID, request: AssignmentRequest) -> list[Interval]:
    """Give the customer to an RM; returns the whole book.

    Raises `NotFound`, `NotAssignable`, `EffectiveTooSoon`, `TransferPending`.
    """
    await directory.hold_staff(work.uow, request.named)
    customer, book = await _locked_book(work, customer_id)
    if transfer := policy.pending_transfer(book, work.now):
        raise TransferPending(transfer)
    return await _assign(work, keys, customer, book, request)


async def replace_transfer(work: Work, keys: KeyStore, customer_id: UUID, request: AssignmentRequest) -> list[Interval]:
    """Decide another transfer in the place of the pending one; returns the whole book.

    Raises `NotFound`, `NoTransferPending`, `TransferSettled`, `NotAssignable`, `EffectiveTooSoon`.
    """
    await directory.hold_staff(work.uow, request.named)
    customer, book = await _locked_book(work, customer_id)
    _changeable_transfer(book, work.now)
    return await _assign(work, keys, customer, policy.without_transfer(book, work.now), request)


async def cancel_transfer(work: Work, keys: KeyStore, customer_id: UUID) -> list[Interval]:
    """Take the pending transfer back; returns the whole book. Raises `NotFound`, `NoTransferPending`, `TransferSettled`."""
    customer, book = await _locked_book(work, customer_id)
    transfer = _changeable_transfer(book, work.now)
    book = policy.without_transfer(book, work.now)
    await repository.write_book(work.uow, customer_id, book, customer.version + 1)
    cancelled = CustomerTransferCancelled(
        customer_id=customer_id, primary_rm_id=transfer.staff_id, effective_at=transfer.valid_from
    )
    await tell_changes(work, await keys.get(customer_id), customer, Facet.BOOK, [cancelled])
    return book


async def _locked_book(work: Work, customer_id: UUID) -> tuple[Customer, list[Interval]]:
    """The customer in scope, locked, and its intervals: no other transfer is decided until the transaction ends."""
    customer = await lock_customer(work, customer_id)
    return customer, await repository.read_book(work.uow, work.scope, customer_id, work.now)


def _changeable_transfer(book: list[Interval], now: datetime) -> Interval:
    transfer = policy.pending_transfer(book, now)
    if transfer is None:
        raise NoTransferPending
    if policy.is_settled(transfer, now):
        raise TransferSettled(transfer)
    return transfer


async def _assign(
    work: Work, keys: KeyStore, customer: Customer, book: list[Interval], request: AssignmentRequest
) -> list[Interval]:
    effective_at = _effective_at(book, request, work.now)
    rm = await _assignable(work, request.rm_id, KEEPS_CUSTOMERS)
    if request.assistant_id is not None:
        await _assignable(work, request.assistant_id, policy.ASSISTS)
    outlet_id = rm.outlet_id or customer.outlet_id
    book = policy.reassign(book, rm_id=rm.id, assistant_id=request.assistant_id, outlet_id=outlet_id, effective_at=effective_at)
    await repository.write_book(work.uow, customer.id, book, customer.version + 1)
    assigned = CustomerAssigned(
        customer_id=customer.id,
        outlet_id=outlet_id,
        primary_rm_id=rm.id,
        assistant_id=request.assistant_id,
        effective_at=effective_at,
    )
    await tell_changes(work, await keys.get(customer.id), customer, Facet.BOOK, [assigned])
    return book


def _effective_at(book: list[Interval], request: AssignmentRequest, now: datetime) -> datetime:
    earliest = policy.earliest_effect(book, now)
    if request.effective_at is None:
        return earliest
    if request.effective_at < earliest:
        raise EffectiveTooSoon
    return request.effective_at


async def _assignable(work: Work, staff_id: UUID, roles: frozenset[str]) -> Staff:
    staff = await directory.read_staff(work.uow, staff_id)
    reachable = staff is not None and (work.scope.kind is ScopeKind.ALL or staff.outlet_id in work.scope.outlet_ids)
    if staff is None or not reachable or not staff.active or staff.suspended or staff.role not in roles:
        raise NotAssignable
    return staff
