"""S3, S4, S6: the journey of docs/guides/models.md, through all processes: training, back-test, approval by a second person, activation,
rollback, for retention and for a related sale. The guide's own commands are read, so that none of them goes another way."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.http.client import ApiError
from guanxi_common.ids import new_id
from guanxi_sandbox.commands import PRESIDENT
from guanxi_testing.bank import Bank, Member, business_today
from guanxi_testing.eventually import eventually

# What differs between the buses is shown elsewhere.
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("deployment", ["embedded"], indirect=True)]

GUIDE = Path(__file__).parents[2] / "docs/guides/models.md"
DEADLINE = 120.0
BOOK, OF_EACH = 60, 15
HORIZON = timedelta(days=90)
BATCH = 500


@dataclass
class Journey:
    """What people and operations did, as the guide would write it."""

    bank: Bank
    operator: Member
    second: Member
    steps: set[tuple[str, str]] = field(default_factory=set)

    async def get(self, path: str, subject: str | None = None) -> Any:
        self._note("GET", path)
        return await self.bank.api("scoring", subject or self.operator.subject).get(path)

    async def post(self, path: str, body: Mapping[str, Any], subject: str | None = None) -> dict[str, Any]:
        self._note("POST", path)
        answer: dict[str, Any] = await self.bank.api("scoring", subject or self.operator.subject).post(
            path, dict(body), key=new_id()
        )
        return answer

    async def card(self, model_id: str) -> str:
        path = f"/v1/models/{model_id}/card"
        self._note("GET", path)
        headers = {"Authorization": f"Bearer {self.bank.token(self.operator.subject)}"}
        return (await self.bank.http["scoring"].get(path, headers=headers)).text

    def _note(self, method: str, path: str) -> None:
        self.steps.add((method, route_of(path)))

    async def train(self, **asked: Any) -> dict[str, Any]:
        """The version, once the worker is done."""
        training = await self.post("/v1/model-trainings", asked)

        async def ended() -> dict[str, Any]:
            found = await self.get(f"/v1/model-trainings/{training['id']}")
            return found if found["finished_at"] else {}

        done = await eventually(ended, timeout=DEADLINE, every=0.2)
        assert done["state"] == "succeeded", done
        version: dict[str, Any] = await self.get(f"/v1/models/{done['result']['model_id']}")
        return version


def route_of(path: str) -> str:
    """A path without ids and query: `/v1/models/{}:approve`."""
    return re.sub(r"/(\$\w+|[0-9a-f-]{36})", "/{}", path.partition("?")[0])


def commands_of_the_guide() -> set[tuple[str, str]]:
    """The calls to scoring-svc in the guide's blocks."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = "\n".join(text.split("```")[1::2])
    found = re.findall(r'\b(get|post) "\$\w+" "?(/v1/[^\s"]+)', blocks)
    return {(name.upper(), route_of(path)) for name, path in found}


@dataclass(frozen=True)
class Town:
    """A book in which some stop using their account and some take a loan, in the horizons of both cuts."""

    rm: Member
    customers: tuple[str, ...]
    product: str
    train_cut: date
    test_cut: date

    @property
    def cuts(self) -> dict[str, Any]:
        return {"train_cuts": [self.train_cut.isoformat()], "test_cut": self.test_cut.isoformat()}


@pytest.fixture
async def town(bank: Bank) -> Town:
    today = business_today()
    test_cut = today - HORIZON
    train_cut = test_cut - HORIZON
    outlet = await bank.add_outlet()
    rm = await bank.add_staff("relationship_manager", outlet)
    numbers = [uuid4().hex[:12] for _ in range(BOOK)]
    customers = [await bank.add_customer(outlet, rm, number) for number in numbers]
    await bank.open_accounts(numbers)
    product, account_code = f"LOAN-{uuid4().hex[:8]}", f"loan-{uuid4().hex[:8]}"
    await offer_loan(bank, product, account_code, today)
    await take_loans(bank, numbers, account_code, {train_cut: slice(0, OF_EACH), test_cut: slice(OF_EACH, 2 * OF_EACH)})
    items = []
    for position, number in enumerate(numbers):
        stops = {position < OF_EACH: train_cut, OF_EACH <= position < 2 * OF_EACH: test_cut}.get(True, today)
        items.append(bank.posting(number, "opening", today - timedelta(days=400), 30_000_000, "cash_deposit"))
        days = (today - timedelta(days=5 * n) for n in range(1, 80))
        items += [bank.posting(number, f"card-{on}", on, -10_000 - 100 * position, "card") for on in days if on <= stops]
    items += [bank.posting(numbers[-1], f"last-{n}", today - timedelta(days=n), -100, "card") for n in (1, 0)]
    for start in range(0, len(items), BATCH):
        assert set(await bank.post(items[start : start + BATCH])) == {"created"}
    return Town(rm, tuple(customers), product, train_cut, test_cut)


async def offer_loan(bank: Bank, code: str, account_code: str, today: date) -> None:
    body = {
        "code": code,
        "family": "loan",
        "currency": "CNY",
        "name": {"zh": "个人贷款", "en": "Personal loan"},
        "risk_class": 1,
        "margin_bp": 300,
        "valid_from": today.isoformat(),
        "eligibility": {"customer_types": ["individual"], "min_history_days": 30},
        "holds_from_account_codes": [account_code],
    }
    await bank.head_office.post("/v1/products", body, key=new_id())


async def take_loans(bank: Bank, numbers: list[str], account_code: str, taken: Mapping[date, slice]) -> None:
    """Ten days after each cut."""
    items = [
        {
            "source": bank.source,
            "account_number": f"loan-{number}",
            "kind": "opened",
            "holder": {"source": bank.source, "customer_number": number},
            "product_code": account_code,
            "currency": "CNY",
            "opened_on": (cut + timedelta(days=10)).isoformat(),
        }
        for cut, part in taken.items()
        for number in numbers[part]
    ]
    answer = await bank.core_banking.post("/v1/accounts:batchCreate", {"items": items})
    assert {item["status"] for item in answer["items"]} == {"created"}


@pytest.fixture
async def journey(bank: Bank, town: Town) -> Journey:
    """Once scoring-svc knows the staff, the product and the whole book."""
    journey = Journey(bank, await bank.add_staff("operations"), await bank.add_staff("compliance_officer"))

    async def arrived() -> bool:
        last = await seen(bank, town, f"/v1/scores/{town.customers[-1]}")
        sales = await seen(bank, town, f"/v1/related-sales/{town.customers[-1]}?explain=true")
        versions = await seen(bank, town, "/v1/models", journey.operator)
        await seen(bank, town, "/v1/models", journey.second)
        fresh = last["retention"]["short_history"] is False and last["inputs"]["silent_days"] == 0
        return fresh and versions is not None and any(sale["product_code"] == town.product for sale in sales["data"])

    await eventually(arrived, timeout=DEADLINE, every=0.2)
    return journey


async def seen(bank: Bank, town: Town, path: str, member: Member | None = None) -> Any:
    """Fails the assertion that `eventually` waits for while the service does not know the member or the customer yet."""
    answer = None
    try:
        answer = await bank.api("scoring", (member or town.rm).subject).get(path)
    except ApiError as refusal:
        if refusal.status not in (401, 403, 404):
            raise
    assert answer is not None
    return answer


async def test_s6_the_guides_journey_from_training_to_rollback(bank: Bank, town: Town, journey: Journey) -> None:
    customer = town.customers[-1]
    await go(journey, await journey.train(label="activity_decline", **town.cuts), lambda: version_of_score(bank, town, customer))
    name = f"related_sale:{town.product}"
    version = await journey.train(name=name, **town.cuts)
    assert (version["training"]["positives"], version["back_test"]["positives"]) == (OF_EACH, OF_EACH)
    await go(journey, version, lambda: version_of_sale(journey, town, customer))
    assert commands_of_the_guide() <= {*journey.steps, ("GET", "/v1/scores/{}")}
    assert len(commands_of_the_guide()) >= 9


async def version_of_score(bank: Bank, town: Town, customer: str) -> str:
    score = await seen(bank, town, f"/v1/scores/{customer}")
    assert sum(reason["contribution_bp"] for reason in score["retention"]["reasons"]) == score["retention"]["value_bp"]
    return str(score["model_version"].partition("+")[0])


async def version_of_sale(journey: Journey, town: Town, customer: str) -> str:
    found = await journey.get(f"/v1/related-sales/{customer}?explain=true", town.rm.subject)
    [sale] = [sale for sale in found["data"] if sale["product_code"] == town.product]
    parts = [reason["contribution_bp"] for reason in sale["reasons"] if reason["contribution_bp"] is not None]
    assert not parts or sum(parts) == sale["propensity_bp"]
    return str(sale["model_version"])


async def go(journey: Journey, version: dict[str, Any], speaks: Any) -> None:
    """From the back-test to the rollback. `speaks` tells which version a customer is judged by."""
    model, rule = f"/v1/models/{version['id']}", await speaks()
    called = f"{version['name']}-{version['number']}"
    assert version["state"] == "back_tested"
    assert version["back_test"]["out_of_time"]
    card = await journey.card(version["id"])
    assert called in card
    assert f"| AUC | {version['back_test']['auc']['value']:.3f} |" in card
    with pytest.raises(ApiError) as refused:
        await journey.post(f"{model}:approve", {"reason": "Mine."})
    assert refused.value.status == 403
    approved = await journey.post(f"{model}:approve", {"reason": "AUC holds."}, journey.second.subject)
    assert approved["state"] == "approved"
    assert await speaks() == rule
    activation = {"role": "champion", "replaces": None, "reason": "Approved."}
    assert (await journey.post(f"{model}:activate", activation))["state"] == "active"
    assert await speaks() == called
    assert (await journey.get(f"{model}/drift"))["data"] == []
    back = await journey.post(f"{model}:rollback", {"reason": "Too many calls."})
    assert (back["retired"]["state"], back["active"]) == ("retired", None)
    assert await speaks() == rule
    steps = [step["to_state"] for step in (await journey.get(model))["steps"]]
    assert steps == ["candidate", "back_tested", "approved", "active", "retired"]


async def test_s6_head_office_does_not_approve_what_it_had_trained(town: Town, journey: Journey) -> None:
    training = await journey.post("/v1/model-trainings", {"label": "activity_decline", **town.cuts}, PRESIDENT)

    async def model_id() -> str:
        found = await journey.get(f"/v1/model-trainings/{training['id']}")
        return found["result"]["model_id"] if found["result"] else ""

    version = await eventually(model_id, timeout=DEADLINE, every=0.2)
    with pytest.raises(ApiError) as refused:
        await journey.post(f"/v1/models/{version}:approve", {"reason": "Mine."}, PRESIDENT)
    assert (refused.value.status, refused.value.code) == (409, "same_person")
