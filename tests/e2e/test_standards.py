"""D6: standards are changed while everything runs, and the services act by the version in force, on both buses."""

from datetime import timedelta
from typing import Any

import pytest
from guanxi_common.http.client import ApiError
from guanxi_common.ids import new_id
from guanxi_testing.bank import COMPLIANCE, Bank, Member, business_today
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio

DEADLINE = 60.0


async def change(bank: Bank, kind: str) -> tuple[int, int]:
    """Approve the body in force anew, by two people; the numbers before and after."""
    before = await bank.head_office.get(f"/v1/standards/{kind}", {})
    wish = {"body": before["version"]["body"], "reason": "年度复核，内容不变。"}
    proposal = await bank.head_office.post(f"/v1/standards/{kind}:propose", wish, key=new_id())
    approval = f"/v1/standard-proposals/{proposal['id']}:approve"
    approved = await bank.api("customer", COMPLIANCE).post(approval, {"reason": "已复核。"}, key=new_id())
    return before["in_force"], approved["number"]


async def read(bank: Bank, rm: Member, service: str, path: str, **query: str) -> Any:
    """What the service answers; None while it does not know the member or the customer yet."""
    try:
        return await bank.api(service, rm.subject).get(path, query)
    except ApiError as error:
        if error.status not in (401, 403, 404):
            raise
        return None


async def test_d6_a_version_approved_at_run_time_counts_in_the_services(bank: Bank) -> None:
    outlet, today = await bank.add_outlet(), business_today()
    rm = await bank.add_staff("relationship_manager", outlet)
    customer = await bank.add_customer(outlet, rm, "standards")
    await bank.open_accounts(["standards"])
    await bank.post([bank.posting("standards", "first", today - timedelta(days=2), 5_000_00, "transfer")])
    tier, score = f"/v1/customers/{customer}/tier", f"/v1/scores/{customer}"

    async def scored_by(number: int, **query: str) -> bool:
        answer = await read(bank, rm, "scoring", score, **query)
        return answer is not None and answer["model_version"].startswith(f"retention-rules-{number}+")

    async def tiered_by(number: int) -> bool:
        answer = await read(bank, rm, "customer", tier)
        return answer is not None and answer["standard_version"] == number

    (tiers_before, tiers), (rules_before, rules) = await change(bank, "tiers"), await change(bank, "retention")
    assert (tiers, rules) == (tiers_before + 1, rules_before + 1)
    assert await eventually(lambda: tiered_by(tiers), timeout=DEADLINE, every=0.5)
    assert await eventually(lambda: scored_by(rules), timeout=DEADLINE, every=0.5)
    yesterday = (today - timedelta(days=1)).isoformat()
    assert not await scored_by(rules, as_of=yesterday), "yesterday went by the version of then"
    assert await scored_by(rules_before, as_of=yesterday)
