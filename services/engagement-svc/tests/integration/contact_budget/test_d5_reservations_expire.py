"""D5: a reservation that nobody settles expires with its period; its owner hears of it, and what happened still counts."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from engagement_svc.actions import service as actions
from engagement_svc.contact_budget import policy, service
from engagement_svc.contact_budget.errors import ReservationSettled
from engagement_svc.standards import load_standards
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_common.set_aside.repository import list_items
from guanxi_contracts.topics import validate_data
from guanxi_testing.poison import mend, poison

pytestmark = pytest.mark.anyio

STANDARDS = load_standards()
CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
PERIOD = timedelta(days=STANDARDS.contact_limit.per_days)


async def reserve(branch: Any) -> UUID:
    async with branch.database.transaction() as uow:
        found = await service.reserve(
            uow, STANDARDS, CALENDAR, branch.customer, branch.clock.now(),
            purpose="marketing", channel="phone", requested_by="client:gateway",
        )  # fmt: skip
        await uow.commit()
    assert found is not None
    return found.id


async def settle(branch: Any, reservation: UUID, state: str) -> str:
    async with branch.database.transaction() as uow:
        scope = RowScope(ScopeKind.OWN, branch.rm_a)
        settled = await service.settle(uow, scope, reservation, state, branch.clock.now())
        await uow.commit()
    return settled.state


async def expire(branch: Any) -> int:
    async with branch.database.transaction() as uow:
        now = branch.clock.now()
        number = await actions.expire_reservations(uow, STANDARDS, CALENDAR.local_date(now), now)
        await uow.commit()
    return number


def to_the_last_day(branch: Any) -> None:
    """Of the present period, at the same time of day."""
    today = CALENDAR.local_date(branch.clock.now())
    branch.clock.advance(policy.period_of(today, STANDARDS.contact_limit).end - timedelta(days=1) - today)


async def counts(branch: Any) -> list[tuple[int, int]]:
    async with branch.database.transaction(readonly=True) as uow:
        return [tuple(row) for row in await uow.driver.fetch("SELECT used, reserved FROM contact_budget ORDER BY period_start")]


async def test_d5_a_reservation_stands_to_the_last_day_of_its_period_and_expires_on_the_next(branch: Any) -> None:
    expiring, confirmed, released = [await reserve(branch) for _ in range(3)]
    await settle(branch, confirmed, "confirmed")
    await settle(branch, released, "released")
    to_the_last_day(branch)
    assert await expire(branch) == 0
    branch.clock.advance(timedelta(days=1))
    assert await expire(branch) == 1
    assert await expire(branch) == 0
    assert await counts(branch) == [(1, 0)]
    [told] = await branch.told("contact_reservation")
    data = {name: value for name, value in told.items() if name != "type"}
    validate_data("guanxi.contact_reservation.expired.v1", data)
    assert (told["reservation_id"], told["requested_by"]) == (str(expiring), "client:gateway")


async def test_d5_a_contact_that_was_made_is_confirmed_though_its_reservation_has_expired(branch: Any) -> None:
    made, not_made = await reserve(branch), await reserve(branch)
    branch.clock.advance(PERIOD)
    assert await expire(branch) == 2
    assert await settle(branch, made, "confirmed") == "confirmed"
    assert await settle(branch, made, "confirmed") == "confirmed"
    assert await settle(branch, not_made, "released") == "expired"
    with pytest.raises(ReservationSettled):
        await settle(branch, made, "released")
    assert await counts(branch) == [(1, 0)], "in the period for which it was reserved"


async def test_d5_an_offer_ends_with_its_reservation_and_scoring_learns_it(branch: Any) -> None:
    await branch.agree(consents=[{"purpose": "marketing", "channel": "phone", "granted": True}])
    far = (branch.clock.now() + timedelta(days=200)).date().isoformat()
    await branch.recommend(kind="related_sale", product_code="DEP", expires_on=far)
    branch.clock.advance(PERIOD)
    assert await expire(branch) == 1
    assert await branch.worklist(RowScope(ScopeKind.OWN, branch.rm_a)) == []
    [concluded] = [event for event in await branch.told("action") if event["type"] == "action.concluded"]
    assert concluded["outcome"] == "expired"


async def test_d5_a_duty_stays_and_the_contact_that_answers_it_counts_on_its_own_day(branch: Any) -> None:
    await branch.recommend(kind="retention")
    branch.clock.advance(PERIOD)
    assert await expire(branch) == 1
    [task] = await branch.worklist(RowScope(ScopeKind.OWN, branch.rm_a))
    assert await branch.contact(branch.rm_a) == [task.id]
    assert await counts(branch) == [(0, 0), (1, 0)]


async def test_d18_a_reservation_that_cannot_expire_fails_alone(branch: Any) -> None:
    held = [await reserve(branch) for _ in range(3)]
    branch.clock.advance(PERIOD)
    async with branch.database.transaction() as uow:
        await poison(uow, "contact_reservation", "id", held[1])
        await uow.commit()
    assert await expire(branch) == 3
    assert await counts(branch) == [(0, 1)]
    async with branch.database.transaction() as uow:
        [failed] = await list_items(uow, set_aside_only=False, queue="expire-reservation", position=None, limit=9)
        await mend(uow)
        await uow.commit()
    assert failed.item == str(held[1])
    branch.clock.advance(timedelta(seconds=31))
    assert await expire(branch) == 1
    assert await counts(branch) == [(0, 0)]
