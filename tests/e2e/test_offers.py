"""C6, S4, S5: what a customer has agreed to and bears decides what is offered, through all processes; a withdrawal ends an open offer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from guanxi_common.http.client import ApiError
from guanxi_common.ids import new_id
from guanxi_testing.bank import Bank, Member, business_today
from guanxi_testing.eventually import eventually
from guanxi_testing.good_requests.bodies import product
from scoring_svc.actions.choice import is_held_out
from scoring_svc.actions.policy import ActionStandard
from scoring_svc.standards import load_standards

pytestmark = pytest.mark.anyio

DEADLINE = 60.0
FUND = "OFFERED-FUND"
VULNERABLE = {"kind": "life_event", "evidence": "customer", "reason": "客户配偶去世。"}


@dataclass(frozen=True)
class Shop:
    """A product of risk class 3, and a customer of `rm` who is not held out and has said nothing yet."""

    bank: Bank
    rm: Member
    customer_id: str

    async def says(self, what: str, body: dict[str, Any]) -> None:
        await self.bank.api("customer", self.rm.subject).post(f"/v1/customers/{self.customer_id}/{what}", body, key=new_id())

    async def agrees(self) -> None:
        told = {"purpose": "marketing", "channels": ["phone"], "method": "signed_form", "text_version": "2026-03"}
        await self.says("consents:grant", told)

    async def is_assessed(self, level: int, days_ago: int = 0) -> None:
        assessed_on = (business_today() - timedelta(days=days_ago)).isoformat()
        await self.says("risk-profiles", {"level": level, "method": "questionnaire", "assessed_on": assessed_on})

    async def refusals(self) -> set[str] | None:
        """The rules that speak against the product; None while scoring does not know of one or the other."""
        sales = await self._ask("scoring", f"/v1/related-sales/{self.customer_id}", {"explain": "true"})
        found = [sale for sale in (sales or {"data": []})["data"] if sale["product_code"] == FUND]
        return {refusal["rule"] for refusal in found[0]["refusals"]} if found else None

    async def offers(self) -> list[dict[str, Any]] | None:
        """The open tasks of this customer that offer something."""
        page = await self._ask("engagement", "/v1/worklist", {})
        return (
            None
            if page is None
            else [t for t in page["data"] if (t["customer_id"], t["reason_code"]) == (self.customer_id, "cross")]
        )

    async def open_actions(self) -> list[str]:
        """The products of the sales that scoring recommends to this customer now."""
        known = await self._ask("scoring", f"/v1/actions/{self.customer_id}", {})
        return [action["product_code"] for action in (known or {"data": []})["data"] if action["kind"] == "related_sale"]

    async def _ask(self, service: str, path: str, query: dict[str, str]) -> Any:
        """None while the service does not know the member or the customer yet."""
        try:
            return await self.bank.api(service, self.rm.subject).get(path, query)
        except ApiError as error:
            if error.status not in (401, 403, 404):
                raise
            return None

    async def until_refused_by(self, *rules: str) -> None:
        async def refused() -> bool:
            return await self.refusals() == set(rules)

        assert await eventually(refused, timeout=DEADLINE, every=0.2)


@pytest.fixture
async def shop(bank: Bank) -> Shop:
    fund = {**product(FUND), "family": "fund", "risk_class": 3}
    try:
        await bank.head_office.post("/v1/products", fund, key=new_id())
    except ApiError as error:
        if error.status != 409:  # made by the test before
            raise
    outlet = await bank.add_outlet()
    rm = await bank.add_staff("relationship_manager", outlet)
    standard = load_standards(ActionStandard, "actions")[-1]
    while is_held_out(UUID(customer_id := await bank.add_customer(outlet, rm)), standard):
        pass
    made = Shop(bank, rm, customer_id)
    await made.until_refused_by("consent", "suitability")
    return made


async def an_offer_on_the_worklist(shop: Shop) -> dict[str, Any]:
    await shop.is_assessed(4)
    await shop.until_refused_by("consent")
    await shop.agrees()

    async def offered() -> list[dict[str, Any]] | None:
        return await shop.offers()

    [task] = await eventually(offered, timeout=DEADLINE, every=0.2)
    assert await shop.open_actions() == [FUND]
    assert await shop.refusals() == set()
    return task


async def no_offer_is_left(shop: Shop, task: dict[str, Any]) -> dict[str, Any]:
    async def gone() -> bool:
        return await shop.offers() == []

    assert await eventually(gone, timeout=DEADLINE, every=0.2)
    assert await shop.open_actions() == []
    ended: dict[str, Any] = await shop.bank.api("engagement", shop.rm.subject).get(f"/v1/tasks/{task['id']}")
    return ended


async def test_c6_a_withdrawal_takes_the_offer_off_the_worklist_and_nothing_is_offered_after(shop: Shop) -> None:
    task = await an_offer_on_the_worklist(shop)
    await shop.says("consents:withdraw", {"purpose": "marketing", "method": "phone_recorded"})
    ended = await no_offer_is_left(shop, task)
    assert ended["state"] == "cancelled"
    await shop.until_refused_by("consent")


async def test_c6_a_vulnerability_holds_the_offer(shop: Shop) -> None:
    task = await an_offer_on_the_worklist(shop)
    review_on = (business_today() + timedelta(days=90)).isoformat()
    await shop.says("vulnerabilities", {**VULNERABLE, "review_on": review_on})
    assert (await no_offer_is_left(shop, task))["state"] == "cancelled"
    await shop.until_refused_by("vulnerable")


async def test_s4_an_expired_risk_profile_offers_nothing(shop: Shop) -> None:
    await shop.is_assessed(5, days_ago=366)
    await shop.agrees()
    await shop.until_refused_by("suitability")
    assert await shop.offers() == []
    assert await shop.open_actions() == []
