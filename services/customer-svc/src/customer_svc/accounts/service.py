"""Take in what core banking says of accounts, and release the postings that waited for one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.ids import derived_id
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.money import Money
from guanxi_common.security.principal import RowScope

from customer_svc.accounts import policy, repository
from customer_svc.accounts.events import AccountBalanceReported, AccountClosed, AccountOpened
from customer_svc.accounts.policy import Account, Change
from customer_svc.accounts.schemas import AccountBatchResult, AccountItem, AccountResult
from customer_svc.tiers import queue as tiers
from customer_svc.transactions import service as transactions
from customer_svc.transactions.policy import account_id
from customer_svc.transactions.schemas import ItemError


async def report_accounts(uow: UnitOfWork, scope: RowScope, items: Sequence[AccountItem], now: datetime) -> AccountBatchResult:
    """Take in a batch; idempotent per item. Items on one account are applied in the order given.

    A client's items of other sources are rejected; what comes by the bus has the scope of the system.
    """
    if not items:
        return AccountBatchResult([])
    ids = [account_id(item.source, item.account_number) for item in items]
    opening = {id_ for id_, item in zip(ids, items, strict=True) if item.kind == "opened"}
    await transactions.hold_off_parking(uow, opening)
    accounts = await repository.lock_accounts(uow, set(ids))
    holders = await repository.find_customers(uow, {(i.holder.source, i.holder.customer_number) for i in items if i.holder})
    results: list[AccountResult] = []
    changed: dict[UUID, Account] = {}
    events: list[tuple[UUID, DomainEvent]] = []
    for index, (id_, item) in enumerate(zip(ids, items, strict=True)):
        holder = holders.get((item.holder.source, item.holder.customer_number)) if item.holder else None
        decision = policy.why_not_yours(item, scope) or policy.decide(item, id_, holder, accounts.get(id_), now.date())
        if not isinstance(decision, Change):
            results.append(AccountResult(index, "rejected", error=ItemError(decision.code, decision.detail.en)))
            continue
        if decision.kind is not None:
            accounts[id_] = changed[id_] = decision.account
            events.append(_event(decision))
        results.append(AccountResult(index, "created" if decision.kind else "duplicate", account_id=id_))
    if judged := {event.customer_id for _, event in events if isinstance(event, AccountBalanceReported | AccountClosed)}:
        await tiers.mark_due(uow, judged, now)
    await repository.store_accounts(uow, changed.values())
    await outbox.append_batch(uow, events)
    released = await transactions.release_parked(uow, {id_: accounts[id_].customer_id for id_ in opening & changed.keys()})
    return AccountBatchResult(results, released)


def _event(change: Change) -> tuple[UUID, DomainEvent]:
    account = change.account
    if change.kind == "opened":
        return derived_id("account.opened", str(account.id)), AccountOpened(
            account_id=account.id,
            customer_id=account.customer_id,
            source=account.source,
            product_code=account.product_code,
            currency=account.currency,
            opened_on=account.opened_on,
            matures_on=account.matures_on,
        )
    if change.kind == "closed":
        assert account.closed_on is not None  # noqa: S101  # policy.decide sets it
        return derived_id("account.closed", str(account.id)), AccountClosed(
            account_id=account.id, customer_id=account.customer_id, closed_on=account.closed_on
        )
    assert account.balance_as_of is not None  # noqa: S101  # policy.decide sets it
    return derived_id("account.balance_reported", str(account.id), str(account.balance_as_of)), AccountBalanceReported(
        account_id=account.id,
        customer_id=account.customer_id,
        as_of=account.balance_as_of,
        money=Money(amount=account.balance_minor or 0, currency=account.currency),
    )
