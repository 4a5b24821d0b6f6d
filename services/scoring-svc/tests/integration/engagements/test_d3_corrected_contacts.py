"""D3: of a contact the greatest revision counts, in whatever order they arrive, and what was known before is reproduced."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.messaging.envelope import Envelope
from guanxi_contracts.topics import examples_of
from scoring_svc.engagements.consumers import INTERACTION_CORRECTED, INTERACTION_RECORDED, take_up_contacts
from scoring_svc.engagements.repository import read_contacts, read_engagement
from scoring_svc.shipped import load_methods

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
METHODS = load_methods(BusinessCalendar())
SAID = {1: ("appointment_made", 20), 2: ("reached_positive", 21), 3: ("reached_negative", 22)}
"""By revision: the result, and the day in November."""


@pytest.fixture
async def database(postgres: Any) -> Any:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=1))
        yield database
        await database.dispose()


def event(customer: UUID, interaction: UUID, revision: int) -> Envelope:
    kind = INTERACTION_RECORDED if revision == 1 else INTERACTION_CORRECTED
    result, day = SAID[revision]
    data = {**examples_of(kind)["typical"], "customer_id": str(customer), "interaction_id": str(interaction)}
    data |= {"result": result, "relationship_effect": "none", "booked_on": date(2026, 11, day).isoformat()}
    data |= {"revision": revision} if revision > 1 else {}
    return Envelope(uuid4(), kind, "engagement.activities", str(customer), "/engagement-svc", NOW, data)


async def take_up(database: Database, at: datetime, events: Sequence[Envelope]) -> int:
    """Returns how many customers wait to be scored again."""
    async with database.transaction() as uow:
        await uow.driver.execute("DELETE FROM dirty_customer")
        await take_up_contacts(METHODS, ManualClock(at))(uow, events)
        waiting: int = await uow.driver.fetchval("SELECT count(*) FROM dirty_customer")
        await uow.commit()
    return waiting


async def known(database: Database, customer: UUID, at: datetime | None = None) -> tuple[str | None, int] | None:
    """The result and the day of the customer's one contact."""
    async with database.transaction(readonly=True) as uow:
        contacts = (await read_contacts(uow, [customer], at)).get(customer, [])
        engagement = (await read_engagement(uow, [customer], at)).get(customer)
    assert len(contacts) <= 1
    if engagement is None:
        return None
    [fact] = engagement.contacts
    assert [one.occurred_on for one in contacts] in ([], [fact.occurred_on])
    result = contacts[0].result if contacts else None
    return result, fact.occurred_on.day


async def test_d3_the_greatest_revision_counts_in_every_order_of_arrival(database: Database) -> None:
    for order in permutations(SAID):
        customer, interaction = uuid4(), uuid4()
        greatest = 0
        for number, revision in enumerate(order):
            at = NOW + number * HOUR
            for _ in range(2):  # told twice
                await take_up(database, at, [event(customer, interaction, revision)])
            greatest = max(greatest, revision)
            assert await known(database, customer) == SAID[greatest], order
        # What was known when is what had arrived by then.
        for number in range(3):
            seen = SAID[max(order[: number + 1])]
            assert await known(database, customer, NOW + number * HOUR) == seen, order
        assert await known(database, customer, NOW - HOUR) is None


async def test_d3_revisions_that_arrive_together_are_one_contact(database: Database) -> None:
    for order in permutations(SAID):
        customer, interaction = uuid4(), uuid4()
        await take_up(database, NOW, [event(customer, interaction, revision) for revision in order])
        assert await known(database, customer) == SAID[3]


async def test_d3_a_correction_has_the_customer_scored_again_and_an_outdated_one_does_not(database: Database) -> None:
    customer, interaction = uuid4(), uuid4()
    assert await take_up(database, NOW, [event(customer, interaction, 1)]) == 1
    assert await take_up(database, NOW + HOUR, [event(customer, interaction, 3)]) == 1
    assert await take_up(database, NOW + 2 * HOUR, [event(customer, interaction, 2)]) == 0
    assert await take_up(database, NOW + 2 * HOUR, [event(customer, interaction, 3)]) == 0
