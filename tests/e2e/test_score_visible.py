"""X2, S1: a posting shows in the customer's score, through all processes, without anybody asking for it. How soon is measured by
`make bench`; here only that it comes, once and whole."""

from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.http.client import ApiError
from guanxi_testing.bank import Bank, business_today
from guanxi_testing.eventually import eventually

# What differs between the buses is shown elsewhere.
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("deployment", ["embedded"], indirect=True)]

DEADLINE = 60.0


async def test_x2_a_new_posting_shows_in_the_score_and_in_the_stored_one(bank: Bank) -> None:
    outlet = await bank.add_outlet()
    rm = await bank.add_staff("relationship_manager", outlet)
    account, today = uuid4().hex[:12], business_today()
    customer = await bank.add_customer(outlet, rm, account)
    await bank.open_accounts([account])

    async def score_at(balance: int) -> dict[str, Any]:
        """The score once it rests on this balance; the service may not know member or customer yet."""
        answer: dict[str, Any] | None = None
        try:
            answer = await bank.api("scoring", rm.subject).get(f"/v1/scores/{customer}", {"as_of": today.isoformat()})
        except ApiError as refusal:
            if refusal.status not in (401, 403, 404):
                raise
        assert answer is not None
        assert answer["inputs"]["balance_minor"] == balance
        return answer

    await bank.post([bank.posting(account, "opening", today, 5_000_000, "cash_deposit")])
    before = await eventually(lambda: score_at(5_000_000), timeout=DEADLINE)
    await bank.post([bank.posting(account, "one-more", today, -1_234_500, "card")])
    after = await eventually(lambda: score_at(3_765_500), timeout=DEADLINE)
    assert after["known_at"] > before["known_at"]
    assert after["inputs"]["acts_recent"] == before["inputs"]["acts_recent"] + 1
    assert await bank.post([bank.posting(account, "one-more", today, -1_234_500, "card")]) == ["duplicate"]
    assert (await score_at(3_765_500))["inputs"] == after["inputs"]

    async def planned_on() -> str | None:
        """The stored score is what actions rest on: the planner looks at a customer once the scorer has."""
        listed = await bank.api("scoring", rm.subject).get(f"/v1/actions/{customer}")
        return listed["planned_on"]

    assert await eventually(planned_on, timeout=DEADLINE) == today.isoformat()
