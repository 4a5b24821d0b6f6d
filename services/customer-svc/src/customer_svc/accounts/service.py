"""Take in what core banking says of accounts, and release the postings that waited for one."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.ids import derived_id
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.money import Money
from guanxi_common.work import Work

from customer_svc.accounts import policy, repository
from customer_svc.accounts.events import AccountBalanceReported, AccountClosed, AccountOpened, AccountReopened
from customer_svc.accounts.policy import Change, Held
from customer_svc.accounts.schemas import AccountBatchResult, AccountItem, AccountResult
from customer_svc.tiers import queue as tiers
from customer_svc.transactions import service as transactions
from customer_svc.transactions.policy import account_id
from customer_svc.transactions.schemas import ItemError


async def report_accounts(work: Work, items: Sequence[AccountItem]) -> AccountBatchResult:
    """Take in a batch; idempotent per item. Items on one account are applied in the order given.

    A client's items of other sources are rejected; what comes by the bus has the scope of the system. An item without `reported_at` was
    reported now.
    """
    if not items:
        return AccountBatchResult([])
    uow = work.uow
    ids = [account_id(item.source, item.account_number) for item in items]
    opening = {id_ for id_, item in zip(ids, items, strict=True) if item.kind == "opened"}
    await transactions.hold_off_parking(uow, opening)
    accounts = await repository.lock_accounts(uow, set(ids))
    days = {(id_, item.balance_as_of) for id_, item in zip(ids, items, strict=True) if id_ in accounts and item.balance_as_of}
    balances = await repository.read_balances(uow, days)
    holders = await repository.find_customers(uow, {(i.holder.source, i.holder.customer_number) for i in items if i.holder})
    known = set(accounts)
    results: list[AccountResult] = []
    changes: list[Change] = []
    for index, (id_, item) in enumerate(zip(ids, items, strict=True)):
        holder = holders.get((item.holder.source, item.holder.customer_number)) if item.holder else None
        day = (id_, item.balance_as_of or date.min)
        held = Held(id_, holder, accounts.get(id_), balances.get(day))
        decision = policy.why_not_yours(item, work.scope) or policy.decide(
            item, held, item.reported_at or work.now, work.now, work.today
        )
        if not isinstance(decision, Change):
            results.append(AccountResult(index, "rejected", error=ItemError(decision.code, decision.detail.en)))
            continue
        changes.append(decision)
        accounts[id_] = decision.account
        if decision.balance is not None:
            balances[day] = decision.balance
        results.append(AccountResult(index, decision.status, account_id=id_))
    await _store_and_publish(uow, changes, work.now)
    opened = accounts.keys() - known
    return AccountBatchResult(results, await transactions.release_parked(uow, {id_: accounts[id_].customer_id for id_ in opened}))


async def _store_and_publish(uow: UnitOfWork, changes: Sequence[Change], now: datetime) -> None:
    """Store what the changes leave, the last of each account and day, and tell each that says something new."""
    told = [change for change in changes if change.kind is not None]
    if judged := {change.account.customer_id for change in told if change.kind != "opened"}:
        await tiers.mark_due(uow, judged, now)
    await repository.store_accounts(uow, {change.account.id: change.account for change in changes}.values())
    balances = [change.balance for change in changes if change.balance is not None]
    await repository.store_balances(uow, {(one.account_id, one.as_of): one for one in balances}.values())
    await outbox.append_batch(uow, [(_event_id(change), _event(change)) for change in told])


def _event_id(change: Change) -> UUID:
    as_of = str(change.balance.as_of) if change.balance else ""
    return derived_id(f"account.{change.kind}", str(change.account.id), as_of, str(change.account.revision))


def _event(change: Change) -> DomainEvent:
    account = change.account
    known = {"account_id": account.id, "customer_id": account.customer_id, "revision": account.revision}
    if change.kind == "opened":
        return AccountOpened(
            **known,
            source=account.source,
            product_code=account.product_code,
            currency=account.currency,
            opened_on=account.opened_on,
            matures_on=account.matures_on,
        )
    if change.kind == "reopened":
        return AccountReopened(**known)
    if change.balance is None:
        return AccountClosed(**known, closed_on=account.closed_on)
    money = Money(amount=change.balance.balance_minor, currency=account.currency)
    return AccountBalanceReported(**known, as_of=change.balance.as_of, money=money)
