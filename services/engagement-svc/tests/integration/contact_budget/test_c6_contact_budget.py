"""C6, S5: one budget for all who contact a customer, however many ask at once."""

import asyncio
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.actions.service import give_way
from engagement_svc.contact_budget import policy, service
from engagement_svc.contact_budget.errors import InQuietHours, ReservationSettled, WithoutConsent
from engagement_svc.contact_budget.policy import QuietHours
from engagement_svc.contact_budget.repository import Reservation
from engagement_svc.contact_budget.service import Wanted
from engagement_svc.rules import Rules
from engagement_svc.standards import load_standards
from engagement_svc.tasks import repository as tasks
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import NotFound
from guanxi_common.security.principal import RowScope, ScopeKind

pytestmark = pytest.mark.anyio

STANDARDS = load_standards()
CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
RULES = Rules(STANDARDS, CALENDAR)
LIMIT = STANDARDS.contact_limit.max_contacts


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


def wanted(branch: Any, purpose: str = "marketing", channel: str = "sms") -> Wanted:
    today = CALENDAR.local_date(branch.clock.now())
    return Wanted(branch.customer, purpose, channel, "client:gateway", today, today, policy.consent_for(purpose))


async def reserve(branch: Any) -> Reservation | None:
    async with branch.database.transaction() as uow:
        found = await service.reserve(branch.work(uow), RULES, wanted(branch))
        await uow.commit()
    return found


async def settle(branch: Any, reservation_id: UUID, state: str, rm: UUID | None = None) -> Reservation:
    async with branch.database.transaction() as uow:
        work = branch.work(uow, own(rm or branch.rm_a))
        if state == "released":
            settled = await service.release_contact(work, reservation_id)
        else:
            settled = await service.confirm_contact(work, RULES, reservation_id, None, give_way)
        await uow.commit()
    return settled


async def test_c6_twenty_senders_at_once_get_no_more_than_the_limit(branch: Any) -> None:
    found = await asyncio.gather(*(reserve(branch) for _ in range(20)))
    assert len([one for one in found if one]) == LIMIT
    assert await branch.budget() == (0, LIMIT, 0)


async def test_c6_what_is_released_is_free_again_and_what_is_confirmed_is_used(branch: Any) -> None:
    held = [await reserve(branch) for _ in range(LIMIT)]
    assert await reserve(branch) is None
    await settle(branch, held[0].id, "released")
    await settle(branch, held[1].id, "confirmed")
    assert await branch.budget() == (1, LIMIT - 2, 0)
    assert await reserve(branch) is not None
    assert await reserve(branch) is None


async def test_c6_a_reservation_is_settled_once_by_two_at_once(branch: Any) -> None:
    held = await reserve(branch)
    told = await asyncio.gather(settle(branch, held.id, "confirmed"), settle(branch, held.id, "released"), return_exceptions=True)
    assert len([one for one in told if isinstance(one, ReservationSettled)]) == 1
    used, reserved, _ = await branch.budget()
    won = next(one for one in told if isinstance(one, Reservation))
    assert (used, reserved) == (int(won.state == "confirmed"), 0)
    assert (await settle(branch, held.id, won.state)).state == won.state
    assert await branch.budget() == (used, 0, 0)


async def test_c6_another_rm_cannot_settle_and_a_missing_one_is_not_told_apart(branch: Any) -> None:
    held = await reserve(branch)
    with pytest.raises(NotFound):
        await settle(branch, held.id, "released", branch.rm_b)
    with pytest.raises(NotFound):
        await settle(branch, uuid4(), "released")


async def test_c6_a_contact_that_happened_is_counted_even_past_the_budget(branch: Any) -> None:
    for _ in range(LIMIT):
        await branch.contact(branch.rm_a)
    assert await branch.budget() == (LIMIT, 0, 0)
    await branch.contact(branch.rm_a)
    assert await branch.budget() == (LIMIT + 1, 0, 1)
    await branch.contact(branch.rm_a, result="not_reached")
    await branch.contact(branch.rm_a, direction="inbound")
    await branch.contact(branch.rm_a, purpose="service")
    assert await branch.budget() == (LIMIT + 1, 0, 1)


NIGHT, NOON = QuietHours(time(21), time(8)), QuietHours(time(12), time(14))


@pytest.mark.parametrize(
    ("quiet", "at", "end"),
    [
        (NOON, "2026-11-20T12:00", "2026-11-20T14:00"),
        (NOON, "2026-11-20T13:59", "2026-11-20T14:00"),
        (NOON, "2026-11-20T14:00", None),
        (NOON, "2026-11-20T11:59", None),
        (NIGHT, "2026-11-20T21:00", "2026-11-21T08:00"),
        (NIGHT, "2026-11-20T07:59", "2026-11-20T08:00"),
        (NIGHT, "2026-11-20T08:00", None),
        (NIGHT, "2026-11-20T20:59", None),
        (QuietHours(time(9), time(9)), "2026-11-20T10:00", "2026-11-21T09:00"),
    ],
)
def test_c6_quiet_hours_begin_inclusive_end_exclusive_and_may_pass_midnight(quiet: QuietHours, at: str, end: str | None) -> None:
    assert quiet.end_for(datetime.fromisoformat(at)) == (datetime.fromisoformat(end) if end else None)


async def test_c6_in_quiet_hours_nobody_sells_and_the_customer_s_own_matters_go_on(branch: Any) -> None:
    """It is Friday 15:00; the RM sees the hours with the task."""
    await branch.recommend()
    consents = [{"purpose": "marketing", "channel": "sms", "granted": True, "since": "2026-11-01T00:00:00Z"}]
    await branch.agree(quiet_hours={"from": "14:00", "to": "16:00"}, consents=consents)

    async def keep(purpose: str, channel: str) -> None:
        async with branch.database.transaction(readonly=True) as uow:
            await service.keep_to_what_is_agreed(branch.work(uow), RULES, wanted(branch, purpose, channel))

    with pytest.raises(InQuietHours) as refused:
        await keep("marketing", "sms")
    assert "16:00" in refused.value.detail.en
    await keep("service", "phone")
    await keep("care", "branch")
    async with branch.database.transaction(readonly=True) as uow:
        [task] = await branch.worklist(own(branch.rm_a))
        listed = await tasks.read_task(uow, own(branch.rm_a), task.id, branch.clock.now())
    assert listed.quiet_hours == (time(14), time(16))
    branch.clock.advance(timedelta(hours=1))
    await keep("marketing", "sms")


@pytest.mark.parametrize("said", [None, False])
async def test_c6_whoever_sells_needs_consent_for_the_channel_and_care_does_not(branch: Any, said: bool | None) -> None:
    message = [] if said is None else [{"purpose": "marketing", "channel": "sms", "granted": said}]
    await branch.agree(consents=[{"purpose": "marketing", "channel": "phone", "granted": True}, *message])

    async def keep(purpose: str, channel: str) -> None:
        async with branch.database.transaction(readonly=True) as uow:
            await service.keep_to_what_is_agreed(branch.work(uow), RULES, wanted(branch, purpose, channel))

    with pytest.raises(WithoutConsent):
        await keep("marketing", "sms")
    await keep("marketing", "phone")
    await keep("care", "sms")
