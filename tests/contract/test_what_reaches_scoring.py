"""C17, C9, E9: what is entered over HTTP in the other two services is known to scoring: products by version, maturities, answers."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import QUICK, running
from guanxi_testing.good_requests.bodies import product, product_terms, satisfaction
from guanxi_testing.house import House
from guanxi_testing.signatures import SIGNER, VERIFIER
from scoring_svc import worker as scoring_worker
from scoring_svc.products.repository import read_catalogue
from scoring_svc.settings import ScoringSettings


def test_a_product_created_over_http_is_ranked_by_scoring(house: House) -> None:
    code = uuid4().hex
    talk = {"zh": "先问何时用钱。", "en": "First ask when the money is needed."}
    created = product(code) | {"holds_from_account_codes": ["TERM_12M"], "talking_points": talk}
    house.create("customer", "head_office", "/v1/products", created)
    today = BusinessCalendar(zone="Asia/Shanghai").local_date(SystemClock().now())
    dearer = product_terms(today.isoformat()) | {"margin_bp": 123}
    answer = house.call("customer", "head_office", "POST", f"/v1/products/{code}/versions", json=dearer)
    assert answer.status_code == 201, answer.text
    later = product_terms("2100-01-01") | {"margin_bp": 1}
    assert house.call("customer", "head_office", "POST", f"/v1/products/{code}/versions", json=later).status_code == 201

    async def arrived() -> bool:
        return await _fetchval(house, "SELECT version FROM product WHERE code = $1", code) == 2

    house.run(_deliver(house, {"directory.snapshots"}, arrived))

    [known] = [one for one in house.run(_catalogue(house)) if one.code == code]
    assert (known.margin_bp, known.family, known.name.zh) == (123, "deposit", created["name"]["zh"])
    assert known.eligibility.customer_types == ("individual",)
    customer = house.ids["customer:own"]
    sales = house.call("scoring", "rm_a", "GET", f"/v1/related-sales/{customer}?explain=true")
    assert sales.status_code == 200, sales.text
    assert code in {one["product_code"] for one in sales.json()["data"]}


def test_a_maturity_and_an_answer_are_what_scoring_holds(house: House) -> None:
    customer, number = house.ids["customer:own"], uuid4().hex
    account = {
        "source": "core",
        "account_number": number,
        "kind": "opened",
        "holder": {"source": "core", "customer_number": "holder-own"},
        "product_code": "TERM_12M",
        "currency": "CNY",
        "opened_on": "2026-03-01",
        "matures_on": "2027-03-01",
    }
    opened = house.call("customer", "service", "POST", "/v1/accounts:batchCreate", json={"items": [account]}).json()
    [account_id] = [item["account_id"] for item in opened["items"]]
    answer = house.create("engagement", "rm_a", "/v1/satisfaction-answers", satisfaction(customer))

    async def arrived() -> bool:
        matures = await _fetchval(house, "SELECT matures_on FROM holding WHERE account_id = $1", UUID(account_id))
        value = await _fetchval(house, "SELECT value FROM engagement_fact WHERE subject_id = $1", UUID(answer))
        return (matures, value) == (date(2027, 3, 1), satisfaction(customer)["satisfaction"])

    house.run(_deliver(house, {"bank.accounts", "engagement.activities"}, arrived))


async def _fetchval(house: House, query: str, *arguments: Any) -> Any:
    async with house.databases["scoring"].transaction(readonly=True) as uow:
        return await uow.driver.fetchval(query, *arguments)


async def _catalogue(house: House) -> Any:
    async with house.databases["scoring"].transaction(readonly=True) as uow:
        return await read_catalogue(uow)


async def _deliver(house: House, topics: set[str], arrived: Callable[[], Awaitable[bool]]) -> None:
    """Carry what the other services told on the topics until it has arrived at scoring."""
    clock = SystemClock()
    addresses: dict[str, Any] = {"database_url": "-", "keys_database_url": "-", "bus_database_url": "-"}
    parts = scoring_worker.build_parts(ScoringSettings(**addresses), house.databases["scoring"], clock, house.keys)
    every = scoring_worker.subscriptions(parts)
    asked = [one for one in every if one.topic in topics]
    # A group of its own: other tests leave parked records under the service's name that nobody could read.
    runner = ConsumerRunner(
        house.databases["scoring"], house.bus, f"scoring-{uuid4().hex}", asked, settings=QUICK, verifier=VERIFIER
    )
    relays = [
        Relay(house.databases["customer"], house.bus, signer=SIGNER),
        Relay(house.databases["engagement"], house.bus),
    ]
    async with running(*relays, runner):
        await eventually(arrived, timeout=60)
