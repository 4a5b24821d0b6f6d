"""E9: an answer is kept and told once, with its scales, and what the customer said in words leaves the service in no event."""

import json
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from engagement_svc.interactions.schemas import InteractionRecord
from engagement_svc.interactions.service import record_interaction
from engagement_svc.rules import Rules
from engagement_svc.satisfaction import repository, service
from engagement_svc.satisfaction.errors import AnsweredInTheFuture, UnknownInteraction
from engagement_svc.satisfaction.repository import Answer
from engagement_svc.satisfaction.schemas import SatisfactionRecord
from engagement_svc.standards import load_standards
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import NotFound
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_contracts.topics import validate_data
from pydantic import ValidationError

pytestmark = pytest.mark.anyio

RULES = Rules(load_standards(), BusinessCalendar(zone="Asia/Shanghai"))
WORDS = "等候较久"


def own(staff: UUID) -> RowScope:
    return RowScope(ScopeKind.OWN, staff)


async def answer(branch: Any, scope: RowScope | None = None, **told: Any) -> Answer:
    body = {"satisfaction": 2, "answered_on": "2026-11-20", "asked_about": "visit", **told}
    record = SatisfactionRecord.model_validate_json(json.dumps({"customer_id": str(branch.customer), **body}))
    async with branch.database.transaction() as uow:
        kept = await service.record_satisfaction(branch.work(uow, scope), record)
        await uow.commit()
    return kept


async def listed(branch: Any, past: tuple[date, UUID] | None = None, limit: int = 10, rm: UUID | None = None) -> list[Answer]:
    async with branch.database.transaction(readonly=True) as uow:
        return await repository.list_answers(
            uow, own(rm or branch.rm_a), branch.customer, branch.clock.now(), past=past, limit=limit
        )


async def test_e9_an_answer_is_kept_and_told_without_the_customers_words(branch: Any) -> None:
    kept = await answer(branch, nps=3, comment=WORDS)
    assert await listed(branch) == [kept]
    [event] = await branch.told("survey.answered")
    assert event.pop("type") == "survey.answered"
    validate_data("guanxi.survey.answered.v1", event)
    scales = {"satisfaction": 2, "nps": 3, "answered_on": "2026-11-20", "asked_about": "visit"}
    assert event == {"answer_id": str(kept.id), "customer_id": str(branch.customer), **scales}
    assert kept.comment == WORDS


async def test_e9_answers_are_listed_the_latest_first_page_by_page(branch: Any) -> None:
    days = ("2026-11-18", "2026-11-20", "2026-11-19", "2026-11-20")
    kept = sorted(
        [await answer(branch, answered_on=day) for day in days], key=lambda one: (one.answered_on, one.id), reverse=True
    )
    first = await listed(branch, limit=3)
    assert first == kept[:3]
    assert await listed(branch, (first[-1].answered_on, first[-1].id)) == kept[3:]
    assert await listed(branch, rm=branch.rm_b) == []


async def test_e9_another_rms_customer_is_not_found(branch: Any) -> None:
    with pytest.raises(NotFound):
        await answer(branch, own(branch.rm_b))
    assert await branch.told("survey") == []


async def test_e9_tomorrow_has_not_been_answered_yet(branch: Any) -> None:
    with pytest.raises(AnsweredInTheFuture):
        await answer(branch, answered_on="2026-11-21")


async def test_e9_the_contact_named_is_one_with_this_customer(branch: Any) -> None:
    told = {"method": "visit", "purpose": "care", "content": "Met.", "result": "reached_positive"}
    record = InteractionRecord(customer_id=branch.customer, occurred_at=branch.clock.now(), **told)
    async with branch.database.transaction() as uow:
        met = await record_interaction(branch.work(uow), RULES, record)
        await uow.commit()
    assert (await answer(branch, interaction_id=str(met.id))).interaction_id == met.id
    with pytest.raises(UnknownInteraction):
        await answer(branch, interaction_id=str(uuid4()))


@pytest.mark.parametrize("told", [{"satisfaction": 0}, {"satisfaction": 6}, {"nps": -1}, {"nps": 11}, {"asked_about": "weather"}])
async def test_e9_nothing_off_the_scales_is_taken(branch: Any, told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await answer(branch, **told)
