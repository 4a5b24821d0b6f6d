"""Everything that hangs on a member of staff passes to another, in the transaction in which the one leaves, moves or changes role (D11)."""

from dataclasses import replace
from uuid import UUID

from guanxi_common.keys.store import KeyStore
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.directory.values import Staff
from guanxi_common.security.principal import SYSTEM_SCOPE
from guanxi_common.work import Work

from customer_svc.assignments import policy
from customer_svc.assignments.errors import BookNotEmpty, NotAssignable, NothingToHandOver
from customer_svc.assignments.events import CustomerAssigned
from customer_svc.book import repository
from customer_svc.book.policy import KEEPS_CUSTOMERS
from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.directory import repository as directory
from customer_svc.facets.policy import Facet


async def check_book(work: Work, before: Staff, after: Staff, to: UUID | None) -> None:
    """Raise `BookNotEmpty` if the change takes somebody away from customers, present or to come, and nobody is to take them over;
    `NothingToHandOver` if somebody is, and it takes nobody away."""
    leaves = policy.needs_empty_book(before, after)
    if to is not None and not leaves and after.active:
        raise NothingToHandOver
    if to is not None or not leaves:
        return
    hanging = await repository.hanging_on(work.uow, before.id, work.now)
    if hanging:
        to_come = sum(later for _, later in hanging)
        raise BookNotEmpty(len(hanging) - to_come, to_come)


async def settle_book(work: Work, keys: KeyStore, before: Staff, after: Staff, to: UUID | None) -> None:
    """Give `to` every customer, present or to come, of `before`, whose entry this transaction has locked (`directory.lock_staff`).

    It takes effect at once: who leaves loses the customers in the same moment, and the other services hold the deputy or the lead
    responsible until they have heard of it. One audit entry for each customer. Raises `NotAssignable`, and as `check_book` does.
    """
    await check_book(work, before, after, to)
    hanging = [customer_id for customer_id, _ in await repository.hanging_on(work.uow, before.id, work.now)] if to else []
    if to is None or not hanging:
        return
    taker = (await directory.hold_staff(work.uow, [to])).get(to)
    if taker is None or to == before.id or not taker.active or taker.suspended:
        raise NotAssignable
    of_all = replace(work, scope=SYSTEM_SCOPE)
    for customer_id in hanging:
        await _hand_over(of_all, keys, customer_id, before.id, taker)
    await audit.record_many(work.uow, work.audit, hanging, ("assignments",))


async def _hand_over(work: Work, keys: KeyStore, customer_id: UUID, leaving: UUID, taker: Staff) -> None:
    customer = await lock_customer(work, customer_id)
    before = await repository.read_book(work.uow, work.scope, customer_id, work.now)
    outlet_id, assists = taker.outlet_id or customer.outlet_id, taker.role in policy.ASSISTS
    book = policy.hand_over(before, leaving, taker.id, outlet_id, assists=assists, now=work.now)
    keeps = any(i.staff_id == taker.id and i.capacity == "primary_rm" for i in book if i not in before)
    if keeps and taker.role not in KEEPS_CUSTOMERS:
        raise NotAssignable
    made = policy.new_assignments(before, book, work.now)
    told = [
        CustomerAssigned(
            customer_id=customer_id,
            outlet_id=rm.outlet_id,
            primary_rm_id=rm.staff_id,
            assistant_id=assistant_id,
            effective_at=max(rm.valid_from, work.now),
        )
        for rm, assistant_id in made
    ]
    await repository.write_book(work.uow, customer_id, book, customer.version + len(told))
    await tell_changes(work, await keys.get(customer_id), customer, Facet.BOOK, list(told))
