"""S4: suitability rests on the latest assessment of the risk a customer bears; all are kept."""

from datetime import timedelta
from typing import Any

import pytest
from customer_svc.risk_profiles import repository, service
from customer_svc.risk_profiles.policy import RiskProfileStandard
from customer_svc.risk_profiles.repository import RiskProfile
from customer_svc.risk_profiles.schemas import RiskAssessment
from customer_svc.risk_profiles.service import RiskRules
from guanxi_common.errors import InvalidInput

pytestmark = pytest.mark.anyio


async def assess(desk: Any, level: int, **told: Any) -> tuple[RiskProfile, bool]:
    body = RiskAssessment.model_validate({"level": level, "method": "questionnaire", **told})
    rules = RiskRules(desk.standards[RiskProfileStandard], desk.keys)
    return await desk.write(lambda uow: service.assess_risk(desk.work(uow), rules, desk.customer, body))


async def test_s4_an_assessment_counts_from_today_for_a_year_unless_it_says_otherwise(desk: Any) -> None:
    profile, counts = await assess(desk, 3)
    assert counts
    assert (str(profile.assessed_on), str(profile.expires_on)) == ("2026-11-21", "2027-11-21")
    told = {"level": 3, "assessed_on": "2026-11-21", "expires_on": "2027-11-21"}
    assert (await desk.snapshot())["risk_profile"] == told


async def test_s4_the_latest_by_its_date_counts_and_an_older_paper_found_later_does_not(desk: Any) -> None:
    await assess(desk, 4, assessed_on="2026-06-01")
    _, counts = await assess(desk, 2, assessed_on="2026-03-01")
    assert not counts
    assert await desk.versions() == [2]
    _, counts = await assess(desk, 1, assessed_on="2026-06-01")
    assert counts, "of one day the one recorded last"
    assert (await desk.snapshot())["risk_profile"]["level"] == 1
    async with desk.database.transaction(readonly=True) as uow:
        kept = await repository.list_profiles(uow, desk.scope, desk.customer, desk.now, past=None, limit=10)
        rest = await repository.list_profiles(
            uow, desk.scope, desk.customer, desk.now, past=(kept[0].assessed_on, kept[0].id), limit=10
        )
    assert [profile.level for profile in kept] == [1, 4, 2]
    assert rest == kept[1:]


async def test_s4_an_expired_assessment_is_told_as_it_stands(desk: Any) -> None:
    await assess(desk, 5, assessed_on="2025-11-01")
    assert (await desk.snapshot())["risk_profile"]["expires_on"] == "2026-11-01"


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"assessed_on": "2026-11-22"}, "/assessed_on"),
        ({"expires_on": "2027-11-22"}, "/expires_on"),
        ({"expires_on": "2026-11-20"}, "/expires_on"),
    ],
)
async def test_s4_dates_that_cannot_be_are_refused(desk: Any, told: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await assess(desk, 3, **told)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert await desk.told() == []


async def test_s4_the_business_day_decides_what_lies_ahead(desk: Any) -> None:
    desk.now -= timedelta(hours=2)  # 23:00 of the 20th in Shanghai
    with pytest.raises(InvalidInput):
        await assess(desk, 3, assessed_on="2026-11-21")
