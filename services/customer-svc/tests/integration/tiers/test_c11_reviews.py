"""C11: balances move customers between tiers, and the other services hear of it; S10 divides the book by them."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from customer_svc.accounts.schemas import AccountItem, HolderReference
from customer_svc.accounts.service import report_accounts
from customer_svc.tiers import repository, service
from customer_svc.tiers.policy import TierStandard, TierState
from customer_svc.transactions.schemas import MoneyIn

pytestmark = pytest.mark.anyio

TODAY = date(2026, 11, 21)  # the desk's business date
PREFERRED, WEALTH = 20_000_000, 60_000_000


async def open_account(desk: Any, number: str = "A1", currency: str = "CNY") -> None:
    known = {"holder": HolderReference("core", "1"), "product_code": "deposit", "opened_on": date(2020, 1, 1)}
    await report(desk, AccountItem("core", number, "opened", currency=currency, **known))


async def report(desk: Any, *items: AccountItem) -> None:
    found = await desk.write(lambda uow: report_accounts(desk.system(uow), items))
    assert [one.status for one in found.items] == ["created"] * len(items)


def balance(amount: int, number: str = "A1", as_of: date = TODAY, currency: str = "CNY") -> AccountItem:
    return AccountItem("core", number, "balance_reported", balance=MoneyIn(amount, currency), balance_as_of=as_of)


async def review(desk: Any) -> int:
    return await desk.write(lambda uow: service.review_due(desk.system(uow), desk.standards[TierStandard]))


async def state(desk: Any) -> TierState | None:
    async with desk.database.transaction(readonly=True) as uow:
        return await repository.read_state(uow, desk.scope, desk.customer, desk.now)


async def tiered(desk: Any) -> list[tuple[str | None, str | None]]:
    """The moves in order; each is told once, at the facet's next version, and the file's version never moves."""
    told = await desk.facets("classification")
    moves = [(one.before, one.tier) for one in reversed(await changes(desk))]
    assert [(version, data.get("tier")) for _, version, data in told] == list(enumerate((tier for _, tier in moves), 1))
    assert [row["version"] for row in await desk.fetch("SELECT version FROM customer")] == [1]
    assert await desk.told() == [], "neither a change nor another facet"
    return moves


async def test_c11_a_balance_lifts_at_once_and_the_classification_tells_it(desk: Any) -> None:
    await open_account(desk)
    assert await review(desk) == 0, "an account without a balance is nothing to judge"
    await report(desk, balance(PREFERRED - 1, as_of=TODAY - timedelta(days=1)))
    assert await review(desk) == 1
    assert await state(desk) is None
    await report(desk, balance(PREFERRED))
    await review(desk)
    assert await state(desk) == TierState("preferred", TODAY)
    assert await tiered(desk) == [(None, "preferred")]
    assert await review(desk) == 0


async def test_c11_open_accounts_add_up_within_a_currency_and_what_is_overdrawn_does_not_count(desk: Any) -> None:
    for number, currency in (("A1", "CNY"), ("A2", "CNY"), ("A3", "CNY"), ("A4", "CZK")):
        await open_account(desk, number, currency)
    await report(
        desk, balance(WEALTH - 1, "A1"), balance(1, "A2"), balance(-WEALTH, "A3"), balance(8_400_000, "A4", currency="CZK")
    )
    await review(desk)
    assert await state(desk) == TierState("wealth", TODAY)
    [change] = await changes(desk)
    assert change.assets == {"CNY": WEALTH, "CZK": 8_400_000}


async def test_c11_down_after_the_grace_and_to_none_when_all_is_closed(desk: Any) -> None:
    await open_account(desk)
    await report(desk, balance(WEALTH))
    await review(desk)
    await report(desk, AccountItem("core", "A1", "closed", closed_on=TODAY))
    await review(desk)
    assert await state(desk) == TierState("wealth", TODAY, TODAY)
    assert await review(desk) == 0
    desk.now += timedelta(days=89)
    assert await review(desk) == 0
    desk.now += timedelta(days=1)
    assert await review(desk) == 1
    assert await state(desk) == TierState(None, TODAY + timedelta(days=90))
    assert await tiered(desk) == [(None, "wealth"), ("wealth", None)]
    assert [one.tier for one in await changes(desk)] == [None, "wealth"]
    assert await review(desk) == 0


async def test_c11_reviews_at_once_with_reports_miss_no_balance_and_tell_each_move_once(desk: Any) -> None:
    """A review that began before a report was durable leaves the customer to the next one."""
    await open_account(desk)
    amounts = [0, PREFERRED, WEALTH, 10 * WEALTH]

    async def reporting() -> None:
        for day, amount in enumerate(amounts):
            await report(desk, balance(amount, as_of=TODAY - timedelta(days=30 - day)))

    async def reviewing() -> None:
        for _ in range(12):
            await review(desk)

    await asyncio.gather(reporting(), reviewing(), reviewing())
    await review(desk)
    assert await state(desk) == TierState("private", TODAY)
    moves = await tiered(desk)
    assert [after for _, after in moves][-1] == "private"
    assert [before for before, _ in moves] == [None, *(after for _, after in moves[:-1])]


async def test_d7_many_are_reviewed_together_and_only_their_classification_is_told(desk: Any) -> None:
    """One row of the outbox for each shard, whoever moved; the one who did not move is not told."""
    numbers = [str(number) for number in range(2, 42)]

    async def found(uow: Any) -> None:
        for number in numbers:
            await desk.add_customer(uow, uuid4(), number)

    await desk.write(found)
    for number in numbers:
        known = {"holder": HolderReference("core", number), "product_code": "deposit", "opened_on": date(2020, 1, 1)}
        await report(desk, AccountItem("core", f"A{number}", "opened", currency="CNY", **known))
    await report(desk, *(balance(0 if number == "2" else WEALTH, f"A{number}") for number in numbers))
    before = len(await desk.fetch("SELECT FROM outbox"))
    assert await review(desk) == len(numbers)
    assert len(await desk.fetch("SELECT FROM outbox")) - before <= 16
    told = await desk.facets("classification")
    assert [(version, data["tier"]) for _, version, data in told] == [(1, "wealth")] * (len(numbers) - 1)
    assert await desk.facets() == told


async def changes(desk: Any) -> list[repository.TierChange]:
    async with desk.database.transaction(readonly=True) as uow:
        return await repository.list_changes(uow, desk.scope, desk.customer, desk.now, limit=10)
