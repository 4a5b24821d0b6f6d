"""D5: a withdrawal ends what was set aside for its purpose and channel; what was contacted before it arrived is confirmed all the same."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from engagement_svc.contact_budget.errors import WithoutConsent
from guanxi_common.errors import InvalidInput
from guanxi_common.security.principal import RowScope, ScopeKind

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


async def test_d5_reserve_withdraw_confirm_is_refused(desk: Any) -> None:
    held = await desk.reserve()
    desk.branch.clock.advance(HOUR)
    await desk.agree(granted=False)
    assert await desk.branch.budget() == (0, 0, 0)
    [told] = await desk.branch.told("contact_reservation.cancelled")
    assert (told["reservation_id"], told["requested_by"], told["because"]) == (str(held.id), "client:gateway", "no_consent")
    for made_at in (None, desk.branch.clock.now()):
        with pytest.raises(WithoutConsent):
            await desk.confirm(held.id, made_at)
    assert (await desk.release(held.id)).state == "cancelled"
    with pytest.raises(WithoutConsent):
        await desk.reserve()


async def test_d5_a_contact_of_before_the_withdrawal_arrived_is_confirmed_and_flagged_if_it_was_said_before(desk: Any) -> None:
    """Reserved at 15:00 and 15:10; the customer withdraws at 15:30, the bank learns it at 16:00."""
    early, late = await desk.reserve(), await desk.reserve()
    start = desk.branch.clock.now()
    desk.branch.clock.advance(HOUR)
    await desk.agree(granted=False, since=start + HOUR / 2)
    assert (await desk.confirm(early.id, start + HOUR / 4)).without_consent is False
    assert (await desk.confirm(late.id, start + HOUR * 3 / 4)).without_consent is True
    assert await desk.branch.budget() == (2, 0, 0)
    assert (await desk.confirm(late.id)).without_consent is True, "the same again changes nothing"


async def test_d5_only_that_purpose_and_channel_goes_and_a_new_grant_brings_nothing_back(desk: Any) -> None:
    sold, cared = await desk.reserve(), await desk.reserve(desk.wanted("care"))
    sms = {"purpose": "marketing", "channel": "sms", "granted": False, "since": desk.branch.clock.now().isoformat()}
    phone = {**sms, "channel": "phone", "granted": True}
    await desk.branch.agree(consents=[phone, sms])
    assert await desk.branch.budget() == (0, 2, 0)
    await desk.agree(granted=False)
    await desk.agree(granted=True)
    assert (await desk.confirm(cared.id)).state == "confirmed"
    assert (await desk.release(sold.id)).state == "cancelled"
    assert await desk.branch.budget() == (1, 0, 0)


async def test_d5_an_older_snapshot_that_comes_late_changes_nothing(desk: Any) -> None:
    held = await desk.reserve()
    async with desk.branch.database.transaction() as uow:
        await uow.driver.execute("UPDATE customer_agreements SET version = 9")
        await uow.commit()
    await desk.agree(granted=False)
    assert (await desk.confirm(held.id)).state == "confirmed"


async def test_d5_an_offer_goes_with_its_consent(desk: Any) -> None:
    await desk.branch.recommend(kind="related_sale", consent_purpose="marketing")
    await desk.agree(granted=False)
    assert await desk.branch.worklist(RowScope(ScopeKind.OWN, desk.branch.rm_a)) == []
    [declined] = await desk.branch.told("action.declined")
    assert (declined["reason"], declined.get("declined_by")) == ("no_consent", None)
    assert await desk.branch.budget() == (0, 0, 0)


async def test_d5_no_reservation_outlives_a_withdrawal_that_comes_at_the_same_moment(desk: Any) -> None:
    await desk.agree(limit=(100, 30))

    async def reserve() -> bool:
        try:
            await desk.reserve()
        except WithoutConsent:
            return False
        return True

    told = asyncio.gather(*(reserve() for _ in range(12)), desk.agree(limit=(100, 30), granted=False))
    await told
    assert "reserved" not in await desk.ledger()


async def test_d5_a_contact_is_made_after_it_was_reserved_and_not_ahead(desk: Any) -> None:
    held, now = await desk.reserve(), desk.branch.clock.now()
    for made_at in (now - HOUR, now + HOUR):
        with pytest.raises(InvalidInput):
            await desk.confirm(held.id, made_at)
