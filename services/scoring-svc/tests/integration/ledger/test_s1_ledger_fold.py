"""S1: the fold against a single-threaded reference, under duplicates, any order, reversals that come first, and bad events."""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.inbox import PostgresInbox
from guanxi_common.messaging.processing import Processor, Subscription
from guanxi_common.money import POSTING_LIMIT
from guanxi_contracts.codec import encode
from scoring_svc.ledger import repository
from scoring_svc.ledger.consumers import POSTED, REVERSED, fold_transactions
from scoring_svc.ledger.policy import load_activity_classes

pytestmark = pytest.mark.anyio

TOPIC = "bank.transactions"
START = date(2026, 3, 2)
CLASSES = load_activity_classes()
_offsets = count()


@pytest.fixture
async def database(postgres: Any) -> AsyncIterator[Database]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=3))
        yield database
        await database.dispose()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 10, tzinfo=UTC))


@pytest.fixture
def processor(database: Database, clock: ManualClock) -> Processor:
    fold = fold_transactions(CLASSES, BusinessCalendar(zone="Asia/Shanghai"), clock)
    return Processor(
        PostgresInbox(database),
        "scoring-svc",
        [Subscription(TOPIC, {POSTED: fold, REVERSED: fold}, dedupe="handler", parsed_by="handler")],
    )


def posted(customer: UUID, entry: UUID, amount: int, *, day: int = 0, currency: str = "CNY", code: str = "card") -> Envelope:
    data = {
        "transaction_id": str(entry),
        "customer_id": str(customer),
        "account_id": str(customer),
        "source": "core",
        "external_id": str(entry),
        "booked_on": (START + timedelta(days=day)).isoformat(),
        "money": {"amount": amount, "currency": currency},
        "code": code,
    }
    return Envelope(entry, POSTED, TOPIC, str(customer), "/customer-svc", datetime.now(UTC), data)


def reversed_(customer: UUID, entry: UUID) -> Envelope:
    reversal = uuid5(entry, "reversal")
    data = {
        "transaction_id": str(entry),
        "customer_id": str(customer),
        "account_id": str(customer),
        "reversal_id": str(reversal),
        "booked_on": START.isoformat(),
    }
    return Envelope(reversal, REVERSED, TOPIC, str(customer), "/customer-svc", datetime.now(UTC), data)


async def fold(processor: Processor, events: Sequence[Envelope]) -> None:
    wire = [encode(event) for event in events]
    await processor.process([Record(TOPIC, 0, next(_offsets), one.key, one.value, one.headers, 0) for one in wire])


async def days(database: Database) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    async with database.transaction(readonly=True) as uow:
        rows = await uow.driver.fetch("SELECT * FROM daily_activity")
    return {tuple(row)[:4]: tuple(row)[4:] for row in rows}  # type: ignore[misc]


async def dead_letters(database: Database) -> list[str]:
    async with database.transaction(readonly=True) as uow:
        return [row[0] for row in await uow.driver.fetch("SELECT reason FROM dead_letter")]


def reference(entries: Sequence[Envelope], undone: set[UUID]) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """The same sums, one entry after the other."""
    sums: dict[tuple[Any, ...], tuple[int, int, int]] = {}
    for entry in entries:
        if entry.id in undone or entry.data is None:
            continue
        amount, currency = entry.data["money"]["amount"], entry.data["money"]["currency"]
        key = (UUID(entry.key), date.fromisoformat(entry.data["booked_on"]), currency, CLASSES.classify(entry.data["code"]))
        number, credit, debit = sums.get(key, (0, 0, 0))
        sums[key] = (number + 1, credit + max(amount, 0), debit + min(amount, 0))
    return sums


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "invalid_event"),
        (b"[]", "invalid_event"),
        (b'{"customer_id":"x"}', "invalid_event"),
        (b'{"code":"\\u0000"}', "invalid_json"),
        (b"\xff", "invalid_event"),
    ],
)
async def test_s1_a_value_that_is_no_posting_is_a_dead_letter_and_its_neighbours_fold(
    value: bytes, reason: str, database: Database, processor: Processor
) -> None:
    good = [posted(uuid4(), uuid4(), 100) for _ in range(3)]
    sent = [encode(event) for event in (good[0], posted(uuid4(), uuid4(), 7), *good[1:])]
    records = [Record(TOPIC, 0, next(_offsets), one.key, one.value, one.headers, 0) for one in sent]
    records[1] = replace(records[1], value=value)
    await processor.process(records)
    assert await dead_letters(database) == [reason]
    assert await days(database) == reference(good, set())


async def test_s1_a_dead_letter_that_is_replayed_is_parsed_like_any_other(database: Database, processor: Processor) -> None:
    customer, entry = uuid4(), uuid4()
    await fold(processor, [posted(customer, entry, 100)])
    await fold(processor, [posted(customer, entry, 200), posted(customer, uuid4(), 5)])
    assert await dead_letters(database) == ["content_differs"]
    async with database.transaction() as uow:
        await uow.driver.execute("DELETE FROM ledger_entry WHERE entry_id = $1", entry)
        await uow.driver.execute("UPDATE dead_letter SET requested_at = now(), requested_by = 'x'")
        await uow.commit()
    await processor.release()
    async with database.transaction(readonly=True) as uow:
        assert await uow.driver.fetchval("SELECT sum(amount_minor) FROM ledger_entry") == 205
        assert await uow.driver.fetchval("SELECT count(*) FROM dead_letter WHERE resolved_at IS NULL") == 0


@pytest.mark.parametrize("seed", range(8))
async def test_s1_the_fold_equals_the_reference_whatever_order_and_however_often(
    seed: int, database: Database, processor: Processor
) -> None:
    chance = random.Random(seed)
    customers = [uuid4() for _ in range(3)]
    entries = [
        posted(
            chance.choice(customers),
            uuid4(),
            chance.randint(-9_000, 9_000),
            day=chance.randint(0, 4),
            currency=chance.choice(["CNY", "USD"]),
        )
        for _ in range(60)
    ]
    undone = chance.sample(entries, 20)
    told = [*entries, *(reversed_(UUID(entry.key), entry.id) for entry in undone)]
    told += chance.choices(told, k=40)
    chance.shuffle(told)
    while told:
        size = chance.randint(1, 25)
        await fold(processor, told[:size])
        told = told[size:]
    assert await days(database) == reference(entries, {entry.id for entry in undone})
    assert await dead_letters(database) == []


async def test_x2_a_customer_is_scored_in_the_trace_of_the_event_that_came_last(database: Database, processor: Processor) -> None:
    """Whatever the ids look like: the highest must not win over the last."""
    customer, traces = uuid4(), [f"00-{digit * 32}-{'1' * 16}-01" for digit in "5f1"]
    await fold(processor, [replace(posted(customer, uuid4(), 500, day=2), traceparent=trace) for trace in traces])
    assert await dirty_trace(database) == traces[-1]
    undone = uuid4()
    await fold(processor, [replace(posted(customer, undone, 500), traceparent=traces[1])])
    await fold(processor, [replace(reversed_(customer, undone), traceparent=traces[0])])
    assert await dirty_trace(database) == traces[0]


async def dirty_trace(database: Database) -> str | None:
    async with database.transaction(readonly=True) as uow:
        found: str | None = await uow.driver.fetchval("SELECT traceparent FROM dirty_customer")
        return found


async def test_s1_a_reversal_that_comes_first_leaves_no_trace_in_the_sums(database: Database, processor: Processor) -> None:
    customer, entry = uuid4(), uuid4()
    await fold(processor, [reversed_(customer, entry)])
    await fold(processor, [posted(customer, entry, 500)])
    assert await days(database) == {}


async def test_s1_the_same_id_with_other_content_is_a_dead_letter_and_changes_nothing(
    database: Database, processor: Processor
) -> None:
    customer, entry = uuid4(), uuid4()
    await fold(processor, [posted(customer, entry, 500)])
    before = await days(database)
    await fold(processor, [posted(customer, entry, 501)])
    assert await days(database) == before
    assert await dead_letters(database) == ["content_differs"]


@pytest.mark.parametrize("amount", [POSTING_LIMIT + 1, -(2**63), 2**63 - 1, 2**70])
async def test_s1_an_amount_beyond_the_bound_is_refused_alone(amount: int, database: Database, processor: Processor) -> None:
    largest, beyond = posted(uuid4(), uuid4(), POSTING_LIMIT), posted(uuid4(), uuid4(), amount)
    await fold(processor, [beyond, largest])
    assert await days(database) == reference([largest], set())
    assert len(await dead_letters(database)) == 1


async def test_s6_what_was_known_at_an_instant_can_be_read_back(
    database: Database, processor: Processor, clock: ManualClock
) -> None:
    customer, early, late = uuid4(), uuid4(), uuid4()
    await fold(processor, [posted(customer, early, 100)])
    first = clock.now()
    clock.advance(timedelta(hours=1))
    await fold(processor, [reversed_(customer, early), posted(customer, late, 700)])

    async def known_at(instant: datetime) -> list[int]:
        async with database.transaction(readonly=True) as uow:
            found = await repository.read_days_known_at(uow, [customer], until=START, known_at=instant)
        return [day.credit_minor for day in found.get(customer, [])]

    assert await known_at(first) == [100]
    assert await known_at(clock.now()) == [700]
    assert await known_at(first - timedelta(seconds=1)) == []


async def test_s1_every_touched_customer_is_dirty_from_its_earliest_day(database: Database, processor: Processor) -> None:
    customer = uuid4()
    await fold(processor, [posted(customer, uuid4(), 1, day=3), posted(customer, uuid4(), 1, day=1)])
    async with database.transaction(readonly=True) as uow:
        rows = await uow.driver.fetch("SELECT customer_id, touched_from FROM dirty_customer")
    assert [tuple(row) for row in rows] == [(customer, START + timedelta(days=1))]


async def test_s1_the_feed_has_come_to_the_business_day_and_not_to_what_is_dated_ahead(
    database: Database, processor: Processor, clock: ManualClock
) -> None:
    """At 17:00 in Greenwich it is the next day in Shanghai."""
    clock.set(datetime(2026, 3, 10, 17, tzinfo=UTC))
    today = date(2026, 3, 11)
    for day in (today, today + timedelta(days=1)):
        await fold(processor, [posted(uuid4(), uuid4(), 5, day=(day - START).days)])
        async with database.transaction(readonly=True) as uow:
            assert await repository.feed_position(uow) == today
