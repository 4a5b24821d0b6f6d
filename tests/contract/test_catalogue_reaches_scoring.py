"""C17 and S4: a product entered over HTTP is in scoring's catalogue, version by version, as its own operations show it."""

import asyncio
from typing import Any
from uuid import uuid4

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner
from guanxi_common.testing.eventually import eventually
from guanxi_common.testing.fabric import QUICK, running
from guanxi_common.testing.good_requests import product, product_terms
from guanxi_common.testing.house import House
from scoring_svc import worker as scoring_worker
from scoring_svc.parts import load_method
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

    house.run(_deliver_products(house, code, version=2))

    [known] = [one for one in house.run(_catalogue(house)) if one.code == code]
    assert (known.margin_bp, known.family, known.name.zh) == (123, "deposit", created["name"]["zh"])
    assert known.eligibility.customer_types == ("individual",)
    customer = house.ids["customer:own"]
    sales = house.call("scoring", "rm_a", "GET", f"/v1/related-sales/{customer}?explain=true")
    assert sales.status_code == 200, sales.text
    assert code in {one["product_code"] for one in sales.json()["data"]}


async def _catalogue(house: House) -> Any:
    async with house.databases["scoring"].transaction(readonly=True) as uow:
        return await read_catalogue(uow)


async def _deliver_products(house: House, code: str, version: int) -> None:
    """Carry what customer-svc told until scoring holds the version."""
    clock = SystemClock()
    addresses: dict[str, Any] = {"database_url": "-", "keys_database_url": "-", "bus_database_url": "-"}
    method = load_method(BusinessCalendar(zone="Asia/Shanghai"))
    every = scoring_worker.subscriptions(
        ScoringSettings(**addresses), method, clock, house.keys, asyncio.Event(), asyncio.Event()
    )
    directory = [one for one in every if one.topic == "directory.snapshots"]

    async def arrived() -> bool:
        async with house.databases["scoring"].transaction(readonly=True) as uow:
            return bool(await uow.driver.fetchval("SELECT version FROM product WHERE code = $1", code) == version)

    # A group of its own: other tests leave parked records under the service's name that nobody could read.
    runner = ConsumerRunner(house.databases["scoring"], house.bus, "scoring-catalogue", directory, settings=QUICK)
    async with running(Relay(house.databases["customer"], house.bus), runner):
        await eventually(arrived, timeout=60)
