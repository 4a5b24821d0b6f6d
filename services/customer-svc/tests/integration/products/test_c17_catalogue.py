"""C17: products in dated versions; each is told when it comes into force, in order, and no later one before its day."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from customer_svc.products import repository, service
from customer_svc.products.errors import AlreadyInCatalogue, BeginsInThePast, VersionsOverlap
from customer_svc.products.policy import Product
from customer_svc.products.schemas import ProductCreation, ProductTerms
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.errors import InvalidInput, NotFound, StaleVersion
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.security.principal import SYSTEM_SCOPE, AuditContext, Identity, Principal, Purpose
from guanxi_common.set_aside.repository import list_items, retry
from guanxi_common.work import Work
from guanxi_contracts.topics import validate_data
from guanxi_testing.databases import TestServer
from guanxi_testing.poison import mend, poison

pytestmark = pytest.mark.anyio

TODAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
WHO = uuid4()


def work(uow: UnitOfWork, version: int | None = None) -> Work:
    """What the one who keeps the catalogue works with; `version` is that of `If-Match`, None is any."""
    who = Principal(Identity("local", "head-office", "staff"), WHO, "head_office", None, (), {})
    audit = AuditContext(who.actor, "test", Purpose.OPERATIONS, None)
    return Work(uow, SYSTEM_SCOPE, audit, NOW, TODAY, who, None if version is None else (version,))


def terms(days: int = 0, **told: Any) -> dict[str, Any]:
    common = {"risk_class": 2, "margin_bp": 90, "eligibility": {"customer_types": ["individual"], "min_age": 18}}
    begins = (TODAY + timedelta(days=days)).isoformat()
    return {"name": {"zh": "定期存款", "en": "Term deposit"}, "valid_from": begins, **common, **told}


@dataclass
class Catalogue:
    database: Database

    async def create(self, code: str = "term", **told: Any) -> Product:
        body = ProductCreation.model_validate_json(
            json.dumps({"code": code, "family": "deposit", "currency": "CNY", **terms(**told)})
        )
        async with self.database.transaction() as uow:
            product = await service.create_product(work(uow), body)
            await uow.commit()
        return product

    async def publish(self, days: int, code: str = "term", version: int | None = None, **told: Any) -> Product:
        body = ProductTerms.model_validate_json(json.dumps(terms(days, **told)))
        async with self.database.transaction() as uow:
            product = await service.publish_version(work(uow, version), code, body)
            await uow.commit()
        return product

    async def due(self, days: int) -> int:
        async with self.database.transaction() as uow:
            done = await service.publish_due(replace(work(uow), today=TODAY + timedelta(days=days)))
            await uow.commit()
        return done

    async def read(self, days: int | None = None, code: str = "term") -> Product | None:
        async with self.database.transaction(readonly=True) as uow:
            return await repository.read_product(uow, code, None if days is None else TODAY + timedelta(days=days))

    async def told(self) -> list[dict[str, Any]]:
        async with self.database.transaction(readonly=True) as uow:
            rows = await uow.driver.fetch("SELECT topic, payload FROM outbox ORDER BY sequence")
        records = [record for row in rows for record in unpack(row["topic"], row["payload"])]
        events = [json.loads(record.value or b"") for record in records]
        for record, event in zip(records, events, strict=True):
            validate_data("guanxi.product.snapshot.v1", event)
            assert (record.topic, record.key) == ("directory.snapshots", f"product:{event['code']}".encode())
            assert dict(record.headers)["ce_aggregateversion"] == str(event["version"]).encode()
        return events


@pytest.fixture
async def catalogue(postgres: TestServer) -> AsyncIterator[Catalogue]:
    async with postgres.service_database("customer_svc") as url:
        database = Database(create_engine(url, pool_size=6))
        yield Catalogue(database)
        await database.dispose()


async def test_c17_a_new_product_is_told_in_full(catalogue: Catalogue) -> None:
    await catalogue.create("current")
    links = [{"kind": "complements", "product_code": "current"}]
    words = {"zh": "先问何时用钱。", "en": "First ask when."}
    await catalogue.create(price=words, links=links, holds_from_account_codes=["TERM_12M"], talking_points=words)
    [_, event] = await catalogue.told()
    assert event == {
        "code": "term",
        "version": 1,
        "family": "deposit",
        "currency": "CNY",
        **terms(),
        "price": words,
        "consent_purpose": "marketing",
        "links": links,
        "holds_from_account_codes": ["TERM_12M"],
        "talking_points": words,
    }
    read = await catalogue.read()
    assert read is not None
    assert (read.version, read.terms.price, read.terms.links, read.recorded_by) == (1, words, links, WHO)


async def test_c17_a_version_takes_over_on_its_day_and_is_told_then_once(catalogue: Catalogue) -> None:
    await catalogue.create(days=-10)
    await catalogue.publish(0, margin_bp=80)
    await catalogue.publish(30, margin_bp=70)
    assert [event["version"] for event in await catalogue.told()] == [1, 2]
    assert await catalogue.due(29) == 0
    assert await asyncio.gather(catalogue.due(30), catalogue.due(30)) in ([0, 1], [1, 0])
    assert await catalogue.due(31) == 0
    assert [(event["version"], event["margin_bp"]) for event in await catalogue.told()] == [(1, 90), (2, 80), (3, 70)]
    newest = await catalogue.read()
    in_force = [await catalogue.read(days) for days in (-11, -1, 0, 29, 30)]
    assert newest is not None
    assert newest.version == 3
    assert [found and found.version for found in in_force] == [None, 1, 2, 2, 3]


async def test_c17_a_planned_version_that_a_later_one_replaced_is_never_told(catalogue: Catalogue) -> None:
    await catalogue.create()
    await catalogue.publish(30, margin_bp=70)
    await catalogue.publish(30, margin_bp=75)
    assert await catalogue.due(30) == 1
    assert [(event["version"], event["margin_bp"]) for event in await catalogue.told()] == [(1, 90), (3, 75)]


async def test_c17_after_its_last_day_a_product_is_not_offered_but_still_known(catalogue: Catalogue) -> None:
    await catalogue.create(days=-10)
    await catalogue.publish(0, valid_to=TODAY.isoformat())
    assert await catalogue.read(0) is not None
    assert await catalogue.read(1) is None
    assert await catalogue.read() is not None


async def test_c17_of_versions_published_at_once_one_wins(catalogue: Catalogue) -> None:
    await catalogue.create()
    attempts = (catalogue.publish(0, version=1, margin_bp=margin) for margin in range(5))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(outcome, Product) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StaleVersion) for outcome in outcomes) == 4
    assert [event["version"] for event in await catalogue.told()] == [1, 2]


async def test_c17_versions_do_not_overlap_nor_change_the_past(catalogue: Catalogue) -> None:
    await catalogue.create(days=-10)
    with pytest.raises(BeginsInThePast):
        await catalogue.publish(-1)
    await catalogue.publish(30)
    with pytest.raises(VersionsOverlap):
        await catalogue.publish(29)
    with pytest.raises(NotFound):
        await catalogue.publish(0, code="no-such")
    with pytest.raises(AlreadyInCatalogue):
        await catalogue.create()
    assert len(await catalogue.told()) == 1


@pytest.mark.parametrize(
    ("told", "pointer", "code"),
    [
        ({"links": [{"kind": "renews", "product_code": "no-such"}]}, "/links/0/product_code", "unknown_link"),
        ({"links": [{"kind": "renews", "product_code": "term"}]}, "/links/0/product_code", "links_to_itself"),
        ({"links": [{"kind": "renews", "product_code": "current"}] * 2}, "/links/1/product_code", "link_given_twice"),
        ({"currency": "XXQ"}, "/currency", "unknown_currency"),
        ({"valid_to": "2026-11-24"}, "/valid_to", "ends_before_it_begins"),
        ({"valid_from": "0200-01-01"}, "/valid_from", "implausible_date"),
        (
            {"eligibility": {"customer_types": ["individual"], "min_age": 18, "max_age": 17}},
            "/eligibility/max_age",
            "no_age_fits",
        ),
    ],
)
async def test_c17_what_is_wrong_is_pointed_at(catalogue: Catalogue, told: dict[str, Any], pointer: str, code: str) -> None:
    await catalogue.create("current")
    with pytest.raises(InvalidInput) as refused:
        await catalogue.create(**told)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]
    assert await catalogue.read() is None


async def test_c17_the_list_goes_by_code_page_by_page_and_by_date(catalogue: Catalogue) -> None:
    for code in ("b", "a", "c"):
        await catalogue.create(code, days=10 if code == "c" else 0)
    async with catalogue.database.transaction(readonly=True) as uow:
        first = await repository.list_products(uow, family=None, as_of=None, past=None, limit=2)
        rest = await repository.list_products(uow, family="deposit", as_of=None, past=("b",), limit=2)
        offered = await repository.list_products(uow, family=None, as_of=TODAY, past=None, limit=5)
        assert await repository.list_products(uow, family="loan", as_of=None, past=None, limit=5) == []
    assert [product.code for product in first] == ["a", "b"]
    assert [product.code for product in rest] == ["c"]
    assert [product.code for product in offered] == ["a", "b"]


async def test_d18_a_product_that_cannot_be_told_stops_no_other(catalogue: Catalogue) -> None:
    for code in ("a", "b", "c"):
        await catalogue.create(code)
        await catalogue.publish(1, code)
    async with catalogue.database.transaction() as uow:
        await poison(uow, "product", "published_version = 2 AND NEW.code", "b")
        await uow.commit()
    assert await catalogue.due(1) == 3
    assert [event["code"] for event in await catalogue.told()] == ["a", "b", "c", "a", "c"]
    assert await catalogue.due(1) == 0, "it waits for its next try"
    async with catalogue.database.transaction() as uow:
        await mend(uow)
        [failed] = await list_items(uow, set_aside_only=False, queue="publish-product", position=None, limit=9)
        await retry(uow, failed.id, NOW)
        await uow.commit()
    assert failed.item == "b"
    assert await catalogue.due(1) == 1
    assert [event["code"] for event in await catalogue.told()][-1] == "b"
