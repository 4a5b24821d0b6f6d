"""Take in postings: keep each once, settle reversals, publish what is new. See the slice's docstring for the decisions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import outbox
from guanxi_common.money import Money
from guanxi_common.work import Work

from customer_svc.inbound.repository import InboundRejection, keep_rejections
from customer_svc.transactions import policy, repository
from customer_svc.transactions.events import PostedData, TransactionPosted, TransactionReversed, encode_data
from customer_svc.transactions.policy import Posting, Refusal, Settlement
from customer_svc.transactions.schemas import BatchResult, ItemError, ItemResult, TransactionItem

TOPIC = "bank.transactions"


async def post_transactions(work: Work, items: Sequence[TransactionItem]) -> BatchResult:
    """Take in a batch; idempotent per item, whatever the batches it comes in. A client's items of other sources are rejected.

    What comes by the bus has the scope of the system: there the broker says who may write.
    """
    if not items:
        return BatchResult([])
    uow, now = work.uow, work.now
    plain = policy.plain_batch(items, work.today, work.scope)
    if plain is not None and await _post_all_new(uow, items, plain, now):
        return BatchResult([ItemResult(index, "created", transaction) for index, transaction in enumerate(plain.transactions)])
    accounts = [policy.account_id(item.source, item.account_number) for item in items]
    known = await repository.find_holders_or_hold_off_opening(uow, set(accounts))
    asked: list[Posting | Refusal] = [
        policy.check_item(item, work.today, work.scope) or policy.to_posting(item, account, account_known=account in known)
        for item, account in zip(items, accounts, strict=True)
    ]
    if undoing := {posting.account_id for posting in asked if isinstance(posting, Posting) and posting.reverses is not None}:
        await repository.lock_reversals(uow, undoing)
    wanted = policy.rows_to_insert(asked)
    inserted = await repository.insert_postings(uow, wanted.values(), now)
    existing = await repository.lock_postings(uow, wanted.keys() - inserted)
    settlement = policy.settle(asked, {key: wanted[key] for key in inserted}, existing, known)
    await repository.delete_placeholders(uow, settlement.deletions)
    await _store_and_publish(uow, settlement, known)
    await keep_rejections(uow, [_refused_late(reversal, refusal, now) for reversal, refusal in settlement.refused_late])
    return BatchResult([_result(index, outcome) for index, outcome in enumerate(settlement.outcomes)])


async def _post_all_new(uow: UnitOfWork, items: Sequence[TransactionItem], plain: policy.PlainBatch, now: datetime) -> bool:
    """Keep and publish the whole batch if all of it is new and no account is unknown; else do nothing and answer False."""
    wanted = set(plain.accounts)
    holders = await repository.find_holders_by_text(uow, wanted)
    if len(holders) < len(wanted) or not await repository.copy_new_postings(uow, items, plain.accounts, now):
        return False
    facts = []
    for item, account, transaction in zip(items, plain.accounts, plain.transactions, strict=True):
        assert item.money is not None  # noqa: S101  # a plain batch has postings only
        data = PostedData(
            transaction_id=transaction,
            customer_id=holders[account],
            account_id=account,
            source=item.source,
            external_id=item.external_id,
            booked_on=item.booked_on,
            occurred_at=item.occurred_at,
            money=item.money,
            code=item.code,
        )
        facts.append((transaction, holders[account], encode_data(data)))
    await outbox.append_facts(uow, TransactionPosted, facts)
    return True


async def release_parked(uow: UnitOfWork, holders: Mapping[UUID, UUID]) -> int:
    """Publish the postings that waited for these accounts (account id → customer id); return how many.

    The caller has taken `lock_account_openings` and inserted the accounts in this transaction.
    """
    parked, reversals = await repository.lock_parked(uow, holders.keys())
    await _store_and_publish(uow, policy.release(parked, reversals), holders)
    return len(parked)


async def hold_off_parking(uow: UnitOfWork, account_ids: Collection[UUID]) -> None:
    """Call before inserting accounts: nobody parks a posting on them until the transaction ends."""
    await repository.lock_account_openings(uow, account_ids)


async def _store_and_publish(uow: UnitOfWork, settlement: Settlement, holders: Mapping[UUID, UUID]) -> None:
    await repository.update_postings(uow, list(settlement.updates.values()))
    posted = [_posted(posting, holders[posting.account_id]) for posting in settlement.posted]
    undone = [
        (policy.reversed_event_id(reversal), _reversed(original, reversal, holders[original.account_id]))
        for original, reversal in settlement.reversed.values()
    ]
    await outbox.append_batch(uow, [*((event.transaction_id, event) for event in posted), *undone])


def _posted(posting: Posting, customer_id: UUID) -> TransactionPosted:
    return TransactionPosted.model_construct(
        transaction_id=posting.transaction_id,
        customer_id=customer_id,
        account_id=posting.account_id,
        source=posting.source,
        external_id=posting.external_id,
        booked_on=_known(posting.booked_on),
        occurred_at=posting.occurred_at,
        money=Money(amount=posting.amount_minor or 0, currency=posting.currency or ""),
        code=posting.code or "",
    )


def _reversed(original: Posting, reversal: Posting, customer_id: UUID) -> TransactionReversed:
    return TransactionReversed.model_construct(
        transaction_id=original.transaction_id,
        reversal_id=reversal.transaction_id,
        customer_id=customer_id,
        account_id=original.account_id,
        booked_on=_known(reversal.booked_on),
    )


def _known(booked_on: date | None) -> date:
    assert booked_on is not None  # noqa: S101  # only an awaited placeholder has no date, and that is never published
    return booked_on


def _refused_late(reversal: Posting, refusal: Refusal, now: datetime) -> InboundRejection:
    return InboundRejection(
        event_id=policy.refused_event_id(reversal),
        topic=None,
        source=reversal.source,
        account_number=reversal.account_number,
        external_id=reversal.external_id,
        code=refusal.code,
        detail=refusal.detail.en,
        received_at=now,
    )


def _result(index: int, outcome: policy.Outcome) -> ItemResult:
    if outcome.refusal is not None:
        return ItemResult(index, "rejected", error=ItemError(outcome.refusal.code, outcome.refusal.detail.en))
    assert outcome.posting is not None  # noqa: S101  # an outcome has one or the other
    return ItemResult(index, outcome.status, transaction_id=str(outcome.posting.transaction_id))  # type: ignore[arg-type]  # its statuses are the contract's
