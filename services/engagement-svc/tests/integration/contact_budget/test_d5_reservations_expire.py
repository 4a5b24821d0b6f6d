"""D5: a reservation that nobody settles expires after its days; its owner hears of it, and what happened still counts."""

from datetime import timedelta
from typing import Any

import pytest
from engagement_svc.contact_budget.errors import ReservationSettled
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_common.set_aside.repository import list_items
from guanxi_contracts.topics import validate_data
from guanxi_testing.poison import mend, poison

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def test_d5_a_reservation_holds_through_its_last_day_and_expires_on_the_next(desk: Any) -> None:
    expiring, confirmed, released = [await desk.reserve(desk.wanted(until=2)) for _ in range(3)]
    await desk.confirm(confirmed.id)
    await desk.release(released.id)
    desk.branch.clock.advance(2 * DAY)
    assert await desk.expire() == 0
    assert await desk.branch.budget() == (1, 1, 0), "unused, it counts on the present day"
    desk.branch.clock.advance(DAY)
    assert await desk.expire() == 1
    assert await desk.expire() == 0
    assert await desk.branch.budget() == (1, 0, 0)
    [told] = await desk.branch.told("contact_reservation")
    data = {name: value for name, value in told.items() if name != "type"}
    validate_data("guanxi.contact_reservation.expired.v1", data)
    assert (told["reservation_id"], told["requested_by"]) == (str(expiring.id), "client:gateway")


async def test_d5_a_contact_that_was_made_is_confirmed_though_its_reservation_has_expired(desk: Any) -> None:
    made, not_made = await desk.reserve(), await desk.reserve()
    at = desk.branch.clock.now()
    desk.branch.clock.advance(3 * DAY)
    assert await desk.expire() == 2
    confirmed = await desk.confirm(made.id, at)
    assert (confirmed.state, confirmed.on_day) == ("confirmed", made.on_day), "on the day on which it was made"
    assert await desk.confirm(made.id, desk.branch.clock.now()) == confirmed
    assert (await desk.release(not_made.id)).state == "expired"
    with pytest.raises(ReservationSettled):
        await desk.release(made.id)
    assert await desk.branch.budget() == (1, 0, 0)


async def test_d5_an_offer_ends_with_its_reservation_and_scoring_learns_it(desk: Any) -> None:
    last = (desk.branch.clock.now() + 20 * DAY).date().isoformat()
    await desk.branch.recommend(kind="related_sale", consent_purpose="marketing", expires_on=last)
    desk.branch.clock.advance(21 * DAY)
    assert await desk.expire() == 1
    assert await desk.branch.worklist(RowScope(ScopeKind.OWN, desk.branch.rm_a)) == []
    [concluded] = [event for event in await desk.branch.told("action") if event["type"] == "action.concluded"]
    assert concluded["outcome"] == "expired"


async def test_d18_a_reservation_that_cannot_expire_fails_alone(desk: Any) -> None:
    held = [await desk.reserve() for _ in range(3)]
    desk.branch.clock.advance(DAY)
    async with desk.branch.database.transaction() as uow:
        await poison(uow, "contact_reservation", "id", held[1].id)
        await uow.commit()
    assert await desk.expire() == 3
    assert await desk.branch.budget() == (0, 1, 0)
    async with desk.branch.database.transaction() as uow:
        [failed] = await list_items(uow, set_aside_only=False, queue="expire-reservation", position=None, limit=9)
        await mend(uow)
        await uow.commit()
    assert failed.item == str(held[1].id)
    desk.branch.clock.advance(timedelta(seconds=31))
    assert await desk.expire() == 1
    assert await desk.branch.budget() == (0, 0, 0)
