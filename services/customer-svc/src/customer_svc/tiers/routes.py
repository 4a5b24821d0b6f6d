"""Tiers over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.money import Money
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.customers.repository import customer_is_visible
from customer_svc.parts import parts_of
from customer_svc.tiers import policy, repository
from customer_svc.tiers.policy import TierStandard, TierState
from customer_svc.tiers.repository import TierChange
from customer_svc.tiers.schemas import CustomerTierOut, TierChangeOut, TierNameOut

tiers = router("tiers")

CHANGES_SHOWN = 50
_TIER = {
    "tier": {"code": "wealth", "zh": "财富客户", "en": "Wealth"},
    "since": "2026-03-02",
    "below_since": "2026-11-02",
    "lost_on": "2027-01-31",
    "standard_version": 1,
    "changes": [
        {
            "tier": "wealth",
            "before": "preferred",
            "effective_on": "2026-03-02",
            "assets": [{"amount": 61_250_000, "currency": "CNY"}],
            "standard_version": 1,
            "recorded_at": "2026-03-02T01:00:00Z",
        }
    ],
}


@tiers.get(
    "/v1/customers/{customer_id}/tier",
    operation_id="readCustomerTier",
    summary="A customer's tier, and how it came about (客户分层)",
    description="Reached at once by the assets with us, lost after a grace period below it.",
    **documented(CustomerTierOut, _TIER),
)
async def read_customer_tier(customer_id: UUID, call: Annotated[Call, permission("tier.read")]) -> Response:
    standard = parts_of(call).standards[TierStandard]
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        state = await repository.read_state(read.uow, read.scope, customer_id, read.now)
        changes = await repository.list_changes(read.uow, read.scope, customer_id, read.now, limit=CHANGES_SHOWN)
        await audit.record(read.uow, read.audit, customer_id, ("tier",))
        return read.reply(_out(state, changes, standard))


def _out(state: TierState | None, changes: list[TierChange], standard: TierStandard) -> CustomerTierOut:
    below_since = state.below_since if state else None
    return CustomerTierOut(
        tier=_name(state.tier, standard) if state and state.tier else None,
        since=state.since if state else None,
        below_since=below_since,
        lost_on=policy.ends_on(below_since, standard) if below_since else None,
        standard_version=standard.version,
        changes=[_change(one) for one in changes],
    )


def _name(code: str, standard: TierStandard) -> TierNameOut:
    name = standard.name(code)
    return TierNameOut(code=code, zh=name.zh if name else code, en=name.en if name else code)


def _change(change: TierChange) -> TierChangeOut:
    return TierChangeOut(
        tier=change.tier,
        before=change.before,
        effective_on=change.effective_on,
        assets=[Money(amount=amount, currency=currency) for currency, amount in sorted(change.assets.items())],
        standard_version=change.standard_version,
        recorded_at=change.recorded_at,
    )
