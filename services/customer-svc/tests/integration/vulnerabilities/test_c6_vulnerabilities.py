"""C6: a vulnerability is opened, reviewed, resolved once; its words stay sealed, and only the review date is told."""

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from customer_svc.vulnerabilities import service
from customer_svc.vulnerabilities.errors import VulnerabilityResolved
from customer_svc.vulnerabilities.policy import VulnerabilityStandard
from customer_svc.vulnerabilities.repository import Vulnerability
from customer_svc.vulnerabilities.schemas import VulnerabilityReport, VulnerabilityResolution, VulnerabilityReview
from customer_svc.vulnerabilities.service import VulnerabilityRules
from guanxi_common.errors import InvalidInput, NotFound, StaleVersion
from guanxi_common.security.fields import SealBroken

pytestmark = pytest.mark.anyio

REASON, RESOLUTION = "客户配偶去世", "遗产已处理完毕"


def rules(desk: Any) -> VulnerabilityRules:
    return VulnerabilityRules(desk.standards[VulnerabilityStandard], desk.keys)


async def open_one(desk: Any, review_on: str = "2027-02-21", kind: str = "life_event") -> Vulnerability:
    told = {"kind": kind, "evidence": "customer", "reason": REASON, "review_on": review_on}
    body = VulnerabilityReport.model_validate(told)
    return await desk.write(lambda uow: service.open_vulnerability(desk.work(uow), rules(desk), desk.customer, body))


async def review(desk: Any, vulnerability: UUID, review_on: str, version: int | None = None) -> Vulnerability:
    body = VulnerabilityReview.model_validate({"review_on": review_on})
    return await desk.write(
        lambda uow: service.review_vulnerability(desk.work(uow, version), rules(desk), desk.customer, vulnerability, body)
    )


async def resolve(desk: Any, vulnerability: UUID, version: int | None = None) -> Vulnerability:
    body = VulnerabilityResolution(resolution=RESOLUTION)
    return await desk.write(
        lambda uow: service.resolve_vulnerability(desk.work(uow, version), rules(desk), desk.customer, vulnerability, body)
    )


async def test_c6_the_earliest_review_of_those_open_is_told_and_nothing_once_none_is(desk: Any) -> None:
    first, second = await open_one(desk), await open_one(desk, "2026-12-21", "health")
    assert (await desk.snapshot())["vulnerable_until"] == "2026-12-21"
    await resolve(desk, second.id, 1)
    assert (await desk.snapshot())["vulnerable_until"] == "2027-02-21"
    await review(desk, first.id, "2027-05-21", 1)
    assert (await desk.snapshot())["vulnerable_until"] == "2027-05-21"
    resolved = await resolve(desk, first.id, 2)
    assert (str(resolved.resolved_on), resolved.version) == ("2026-11-21", 3)
    assert "vulnerable_until" not in await desk.snapshot()
    assert await desk.versions() == [2, 3, 4, 5, 6]


async def test_c6_its_words_are_sealed_and_open_in_their_own_place_only(desk: Any) -> None:
    resolved = await resolve(desk, (await open_one(desk)).id)
    assert service.words_of(resolved, desk.keys.key) == (REASON, RESOLUTION)
    with pytest.raises(SealBroken):
        service.words_of(replace(resolved, id=uuid4()), desk.keys.key)
    [row] = await desk.fetch("SELECT to_jsonb(v)::text AS kept FROM vulnerability v")
    said = row["kept"] + json.dumps(await desk.told(), ensure_ascii=False)
    for words in (REASON, RESOLUTION):
        assert words not in said
        assert words.encode().hex() not in said
    assert "life_event" not in json.dumps(await desk.told())


async def test_c6_of_many_who_resolve_one_does(desk: Any) -> None:
    opened = await open_one(desk)
    outcomes = await asyncio.gather(*(resolve(desk, opened.id) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, Vulnerability) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, VulnerabilityResolved) for outcome in outcomes) == 4
    assert await desk.versions() == [2, 3]


async def test_c6_a_stale_version_changes_nothing(desk: Any) -> None:
    opened = await open_one(desk)
    with pytest.raises(StaleVersion):
        await review(desk, opened.id, "2027-03-01", 7)
    with pytest.raises(StaleVersion):
        await resolve(desk, opened.id, 7)
    assert await desk.versions() == [2]


@pytest.mark.parametrize(
    ("told", "pointer"),
    [({"kind": "gossip"}, "/kind"), ({"review_on": "2026-11-21"}, "/review_on"), ({"review_on": "2027-11-23"}, "/review_on")],
)
async def test_c6_an_unknown_kind_and_a_review_that_is_not_ahead_are_refused(
    desk: Any, told: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await open_one(desk, **told)
    assert [error.pointer for error in refused.value.errors] == [pointer]


async def test_c6_another_customers_is_not_found(desk: Any) -> None:
    opened = await open_one(desk)
    with pytest.raises(NotFound):
        await resolve(replace(desk, rm=uuid4()), opened.id)
    with pytest.raises(NotFound):
        await resolve(desk, uuid4())
