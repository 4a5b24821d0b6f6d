"""8.C Lineage (S6): each reason of a score names the entries that it rests on, and a bounded number of them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.messaging.envelope import Envelope
from guanxi_testing.work import work_by
from scoring_svc.engagements.consumers import INTERACTION_RECORDED, take_up_contacts
from scoring_svc.ledger.repository import Entry, Reversal, fold_entries, fold_reversals
from scoring_svc.scores.evidence import MOST
from scoring_svc.scores.service import read_score
from scoring_svc.shipped import load_method, load_methods

pytestmark = pytest.mark.anyio

METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def database(postgres: Any) -> AsyncIterator[Database]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=2))
        yield database
        await database.dispose()


def entry(customer: UUID, day: date, minor: int, activity: str, currency: str = "CNY") -> Entry:
    return Entry(customer, uuid4(), uuid4(), day, minor, currency, activity, activity)


async def enter(uow: UnitOfWork, customer: UUID) -> None:
    await uow.driver.execute(
        "INSERT INTO book_assignment (customer_id, capacity, valid_from, outlet_id, version) VALUES ($1, 'primary_rm', $2, $3, 1)",
        *(customer, NOW - timedelta(days=400), uuid4()),
    )


async def named(database: Database, customer: UUID, known_at: datetime | None = None) -> dict[str, list[str]]:
    async with database.transaction(readonly=True) as uow:
        score = await read_score(
            work_by("staff:1", uow, LATER, METHOD.calendar), METHOD, customer, as_of=TODAY, known_at=known_at
        )
    return {reason.code: list(reason.evidence_ids) for reason in score.retention.reasons}


def ids(*entries: Entry) -> list[str]:
    return sorted(str(one.entry_id) for one in entries)


async def test_8c_every_reason_names_the_entries_it_rests_on_and_no_others(database: Database) -> None:
    customer = uuid4()
    salaries = [entry(customer, date(2025, month, 1), 900_000, "regular_income") for month in range(6, 12)]
    cards = [entry(customer, date(2025, 10, day), -1_000, "card") for day in range(1, 16)]
    last = entry(customer, date(2026, 1, 2), -4_000_000, "transfer")
    order = entry(customer, date(2026, 2, 1), -600_000, "standing_order")
    fee = entry(customer, date(2026, 2, 2), -100, "fee")
    other = entry(customer, date(2026, 3, 9), -10, "card", "EUR")
    undone = entry(customer, date(2026, 2, 20), -5_000_000, "transfer")
    elsewhere = entry(uuid4(), date(2026, 3, 9), -1_000, "card")
    async with database.transaction() as uow:
        await enter(uow, customer)
        await fold_entries(uow, [*salaries, *cards, last, order, fee, other, undone, elsewhere], NOW, TODAY)
        await fold_reversals(uow, [Reversal(customer, undone.entry_id, uuid4())], NOW)
        await uow.commit()
    found = await named(database, customer)
    assert found == {
        "activity_decline": ids(last, *cards[-(MOST - 1) :]),
        "balance_decline": ids(last, order, *sorted(cards, key=lambda one: one.entry_id)[: MOST - 2]),
        "net_outflow": ids(last, order),
        "income_stopped": ids(*salaries),
        "silence": ids(last),
    }
    assert all(len(entries) <= MOST for entries in found.values())


async def test_8c_evidence_is_what_was_known_then(database: Database) -> None:
    customer = uuid4()
    first, late = (entry(customer, date(2025, 6, 1), -1_000, "card"), entry(customer, date(2025, 9, 1), -1_000, "card"))
    async with database.transaction() as uow:
        await enter(uow, customer)
        await fold_entries(uow, [first], NOW, TODAY)
        await fold_entries(uow, [late], LATER, TODAY)
        await uow.commit()
    assert (await named(database, customer))["silence"] == ids(late)
    assert (await named(database, customer, NOW))["silence"] == ids(first)


async def test_8c_an_appointment_without_effect_is_told_as_an_appointment(database: Database) -> None:
    customer = uuid4()
    data = {
        "interaction_id": str(uuid4()),
        "customer_id": str(customer),
        "booked_on": TODAY.isoformat(),
        "result": "appointment_made",
        "relationship_effect": "none",
    }
    async with database.transaction() as uow:
        await enter(uow, customer)
        await fold_entries(uow, [entry(customer, date(2025, 6, 1), -1_000, "card")], NOW, TODAY)
        event = Envelope(uuid4(), INTERACTION_RECORDED, "engagement.activities", str(customer), "/engagement-svc", NOW, data)
        await take_up_contacts(load_methods(BusinessCalendar()), ManualClock(NOW))(uow, [event])
        await uow.commit()
    async with database.transaction(readonly=True) as uow:
        score = await read_score(work_by("staff:1", uow, LATER, METHOD.calendar), METHOD, customer, as_of=TODAY, known_at=None)
    [reason] = [reason for reason in score.retention.reasons if reason.code == "contact"]
    assert (reason.text.en, reason.contribution_bp) == ("An appointment was made on 2026-03-10.", -1_000)
