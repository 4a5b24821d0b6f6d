"""S3: complaints and satisfaction reach the features, once each, in any order, as the contracts' examples tell them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_contracts.topics import examples_of
from scoring_svc.engagements.consumers import COMPLAINT_OPENED, COMPLAINT_RESOLVED, SURVEY_ANSWERED, take_up_facts
from scoring_svc.engagements.repository import read_engagement
from scoring_svc.features.policy import FactKind

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
TYPES = (COMPLAINT_OPENED, COMPLAINT_RESOLVED, SURVEY_ANSWERED)


def event(kind: str, example: str, customer: UUID, **changes: Any) -> Envelope:
    data = {**examples_of(kind)[example], "customer_id": str(customer), **changes}
    return Envelope(uuid4(), kind, "engagement.activities", str(customer), "/engagement-svc", NOW, data)


@pytest.fixture
async def database(postgres: Any) -> Any:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=1))
        yield database
        await database.dispose()


@pytest.mark.parametrize("example", ["typical", "minimal"])
async def test_s3_complaints_and_answers_are_kept_once_and_mark_the_customer(database: Database, example: str) -> None:
    customer, clock = uuid4(), ManualClock(NOW)
    events = [event(kind, example, customer) for kind in reversed(TYPES)]
    for _ in range(2):
        async with database.transaction() as uow:
            await take_up_facts(clock)(uow, events)
            await uow.commit()
        clock.advance(timedelta(hours=1))
    async with database.transaction() as uow:
        known = (await read_engagement(uow, [customer]))[customer]
        assert await read_engagement(uow, [customer], NOW - timedelta(seconds=1)) == {}
        dirty = await uow.driver.fetch("SELECT customer_id, since FROM dirty_customer")
    assert {fact.kind for fact in known.facts} == set(FactKind)
    assert len(known.facts) == 3
    assert [tuple(row) for row in dirty] == [(customer, NOW)]
    answered = next(fact for fact in known.facts if fact.kind is FactKind.SURVEY_ANSWERED)
    told = examples_of(SURVEY_ANSWERED)[example]
    assert (answered.value, answered.occurred_on) == (told["satisfaction"], date.fromisoformat(told["answered_on"]))


async def test_s3_a_complaint_without_its_date_can_never_be_applied(database: Database) -> None:
    async with database.transaction() as uow:
        with pytest.raises(PermanentError):
            await take_up_facts(ManualClock(NOW))(uow, [event(COMPLAINT_OPENED, "minimal", uuid4(), opened_on=None)])
