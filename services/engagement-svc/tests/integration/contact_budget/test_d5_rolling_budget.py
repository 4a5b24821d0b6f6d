"""D5: any window of days holds the limit, whoever asks at once and however the limit changes; what happened counts on its day."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from engagement_svc.contact_budget.errors import ContactBudgetExhausted
from guanxi_common.errors import InvalidInput
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_contracts.topics import validate_data

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def test_d5_a_changed_limit_frees_nobody_who_was_contacted(desk: Any) -> None:
    await desk.agree(limit=(1, 30))
    await desk.branch.contact(desk.branch.rm_a)
    used_on = desk.today
    with pytest.raises(ContactBudgetExhausted) as refused:
        await desk.reserve()
    assert str(used_on + 30 * DAY) in refused.value.detail.en
    await desk.agree(limit=(1, 31))
    with pytest.raises(ContactBudgetExhausted):
        await desk.reserve()
    assert (await desk.reserve(desk.wanted(until=40))).on_day == used_on + 31 * DAY
    desk.branch.clock.advance(29 * DAY)
    await desk.agree(limit=(1, 29))
    with pytest.raises(ContactBudgetExhausted):
        await desk.reserve()
    await desk.agree(limit=(2, 29))
    assert (await desk.reserve()).on_day == desk.today


async def test_d5_fifty_who_reserve_at_once_over_ten_dates_pass_no_window(desk: Any) -> None:
    await desk.agree(limit=(2, 4))

    async def try_day(number: int) -> bool:
        try:
            await desk.reserve(desk.wanted(since=number % 10))
        except ContactBudgetExhausted:
            return False
        return True

    taken = sum(await asyncio.gather(*(try_day(number) for number in range(50))))
    days = (await desk.ledger())["reserved"]
    assert len(days) == taken
    first = desk.today - 3 * DAY
    windows = [[first + (start + number) * DAY for number in range(4)] for start in range(13)]
    assert all(sum(day in window for day in days) <= 2 for window in windows)
    for number in range(10):
        day = desk.today + number * DAY
        assert any(sum(one in window for one in [*days, day]) > 2 for window in windows if day in window), "no day is left"


async def test_d5_a_contact_past_the_limit_cancels_the_latest_and_tells_the_owner(desk: Any) -> None:
    await desk.agree(limit=(2, 30))
    soon = await desk.reserve(desk.wanted(until=9))
    last = (desk.branch.clock.now() + 12 * DAY).date().isoformat()
    await desk.branch.recommend(kind="related_sale", consent_purpose="marketing", expires_on=last)
    assert await desk.branch.budget() == (0, 2, 0)
    await desk.branch.contact(desk.branch.rm_a, purpose="related_sales", occurred_at=desk.branch.clock.now())
    assert await desk.branch.budget() == (1, 1, 0), "it carried out the offer"
    await desk.branch.contact(desk.branch.rm_a)
    assert await desk.branch.budget() == (2, 0, 0)
    [cancelled] = await desk.branch.told("contact_reservation.cancelled")
    validate_data("guanxi.contact_reservation.cancelled.v1", {name: cancelled[name] for name in cancelled if name != "type"})
    assert (cancelled["reservation_id"], cancelled["because"]) == (str(soon.id), "contact_limit")
    assert (await desk.confirm(soon.id)).overdrawn, "it had been made all the same"


async def test_d5_an_offer_ends_whose_contact_gave_way(desk: Any) -> None:
    await desk.agree(limit=(1, 30))
    held = await desk.reserve(desk.wanted())
    desk.branch.clock.advance(DAY)
    await desk.expire()
    await desk.branch.recommend(kind="related_sale", consent_purpose="marketing")
    assert (await desk.confirm(held.id, desk.branch.clock.now() - DAY)).overdrawn is False
    assert await desk.branch.worklist(RowScope(ScopeKind.OWN, desk.branch.rm_a)) == []
    [declined] = await desk.branch.told("action.declined")
    assert (declined["reason"], declined.get("declined_by")) == ("contact_budget", None)


async def test_d5_a_contact_recorded_late_counts_on_its_own_day(desk: Any) -> None:
    await desk.agree(limit=(1, 7))
    day: date = desk.today
    desk.branch.clock.advance(3 * DAY)
    await desk.branch.contact(desk.branch.rm_a, occurred_at=desk.branch.clock.now() - 3 * DAY)
    assert (await desk.ledger())["confirmed"] == [day]
    assert (await desk.reserve(desk.wanted(until=30))).on_day == day + 7 * DAY


async def test_d5_the_customers_own_matter_needs_and_uses_no_contact(desk: Any) -> None:
    await desk.agree(limit=(0, 30), granted=False)
    held = await desk.reserve(desk.wanted("service"))
    assert await desk.branch.budget() == (0, 0, 0)
    await desk.confirm(held.id)
    await desk.branch.recommend(kind="service")
    assert await desk.branch.budget() == (0, 0, 0)
    assert len(await desk.branch.worklist(RowScope(ScopeKind.OWN, desk.branch.rm_a))) == 1
    with pytest.raises(ContactBudgetExhausted):
        await desk.reserve(desk.wanted("care"))


@pytest.mark.parametrize(("since", "until"), [(-1, None), (1, 0), (0, 367), (-1, 5)])
async def test_d5_days_that_have_passed_or_lie_far_ahead_are_refused(desk: Any, since: int, until: int | None) -> None:
    with pytest.raises(InvalidInput):
        await desk.reserve(desk.wanted(since=since, until=until))
