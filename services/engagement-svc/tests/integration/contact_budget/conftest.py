"""Reserving and settling contacts of the branch's customer."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from engagement_svc.actions import service as actions
from engagement_svc.contact_budget import policy, service
from engagement_svc.contact_budget.repository import Reservation
from engagement_svc.contact_budget.service import Wanted
from engagement_svc.rules import Rules
from engagement_svc.standards import load_standards
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.security.principal import RowScope, ScopeKind

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
RULES = Rules(load_standards(), CALENDAR)


@dataclass(frozen=True)
class BudgetDesk:
    """`branch`: the fixture of that name. Days are counted from its present one."""

    branch: Any

    @property
    def today(self) -> date:
        return CALENDAR.local_date(self.branch.clock.now())

    def wanted(self, purpose: str = "marketing", channel: str = "phone", *, since: int = 0, until: int | None = None) -> Wanted:
        first = self.today + timedelta(days=since)
        last = first if until is None else self.today + timedelta(days=until)
        return Wanted(self.branch.customer, purpose, channel, "client:gateway", first, last, policy.consent_for(purpose))

    async def reserve(self, wanted: Wanted | None = None) -> Reservation:
        """As over HTTP, with all that may stand against it."""
        async with self.branch.database.transaction() as uow:
            reservation = await service.reserve_contact(self.branch.work(uow), RULES, wanted or self.wanted())
            await uow.commit()
        return reservation

    async def confirm(self, reservation_id: UUID, made_at: datetime | None = None, rm: UUID | None = None) -> Reservation:
        scope = RowScope(ScopeKind.OWN, rm or self.branch.rm_a)
        async with self.branch.database.transaction() as uow:
            confirmed = await service.confirm_contact(
                self.branch.work(uow, scope), RULES, reservation_id, made_at, actions.give_way
            )
            await uow.commit()
        return confirmed

    async def release(self, reservation_id: UUID, rm: UUID | None = None) -> Reservation:
        scope = RowScope(ScopeKind.OWN, rm or self.branch.rm_a)
        async with self.branch.database.transaction() as uow:
            released = await service.release_contact(self.branch.work(uow, scope), reservation_id)
            await uow.commit()
        return released

    async def expire(self) -> int:
        async with self.branch.database.transaction() as uow:
            number = await actions.expire_reservations(self.branch.work(uow))
            await uow.commit()
        return number

    async def ledger(self) -> dict[str, list[date]]:
        """The days of all reservations, by state."""
        async with self.branch.database.transaction(readonly=True) as uow:
            rows = await uow.driver.fetch("SELECT state, on_day FROM contact_reservation ORDER BY on_day, id")
        return {state: [day for of, day in rows if of == state] for state in {row[0] for row in rows}}

    async def agree(
        self, *, limit: tuple[int, int] | None = None, granted: bool | None = True, since: datetime | None = None
    ) -> None:
        """Tell of a snapshot with this limit, and this statement on marketing by phone."""
        said = {"purpose": "marketing", "channel": "phone", "granted": granted}
        said |= {"since": (since or self.branch.clock.now()).isoformat()}
        limits = {"max_contacts": limit[0], "per_days": limit[1]} if limit else None
        await self.branch.agree(contact_limits=limits, consents=[] if granted is None else [said])


@pytest.fixture
async def desk(branch: Any) -> BudgetDesk:
    """The customer agrees to be sold to by phone, within the bank's limit."""
    desk = BudgetDesk(branch)
    await desk.agree()
    return desk
