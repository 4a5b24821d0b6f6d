"""S1 aggregates: whatever the order, the answer is what a count by hand gives, on any day and as known at any instant."""

import random
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.errors import InvalidInput, NotFound
from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.inbox import PostgresInbox
from guanxi_common.messaging.processing import Processor, Subscription
from guanxi_common.security.principal import SYSTEM_SCOPE, RowScope, ScopeKind
from guanxi_contracts.codec import encode
from guanxi_testing.work import work_by
from scoring_svc.activity.repository import _SUMS
from scoring_svc.activity.schemas import ActivityOut, FiguresOut
from scoring_svc.activity.service import read_activity
from scoring_svc.features.policy import features_of
from scoring_svc.holdings.consumers import ACCOUNT_CLOSED, ACCOUNT_OPENED, take_up_accounts
from scoring_svc.ledger.consumers import POSTED, REVERSED, fold_transactions
from scoring_svc.ledger.history import history_of, rfm_columns
from scoring_svc.ledger.policy import WINDOWS, ActivityClasses
from scoring_svc.ledger.repository import Report, add_reports, read_days
from scoring_svc.shipped import load_method
from scoring_svc.signals.policy import SignalStandard

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
TODAY = date(2026, 11, 25)
METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
CODES = ("card", "cash_deposit", "transfer", "interest", "fee", "salary", "never mapped")
RM = uuid4()
_offsets = count()


@dataclass(frozen=True)
class Posting:
    """A posting as core banking has it; `undone`: reversed later or before it comes."""

    account: UUID
    booked_on: date
    amount: int
    currency: str
    code: str
    entry: UUID = field(default_factory=uuid4)
    undone: bool = False


@dataclass
class Bank:
    """One customer's events, and what of them has been folded when."""

    database: Database
    clock: ManualClock
    customer: UUID = field(default_factory=uuid4)
    entries: dict[UUID, tuple[Posting, datetime]] = field(default_factory=dict)
    reversals: dict[UUID, datetime] = field(default_factory=dict)
    products: dict[UUID, tuple[str, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fold = fold_transactions(METHOD[ActivityClasses], METHOD.calendar, self.clock)
        accounts = take_up_accounts(self.clock)
        told = Subscription("bank.transactions", {POSTED: fold, REVERSED: fold}, dedupe="handler", parsed_by="handler")
        self.processor = Processor(
            PostgresInbox(self.database),
            "scoring-svc",
            [told, Subscription("bank.accounts", dict.fromkeys((ACCOUNT_OPENED, ACCOUNT_CLOSED), accounts))],
        )

    async def book(self, staff: UUID = RM) -> None:
        async with self.database.transaction() as uow:
            await uow.driver.execute(
                "INSERT INTO book_assignment (customer_id, capacity, valid_from, staff_id, outlet_id, version)"
                " VALUES ($1, 'primary_rm', $2, $3, $4, 1)",
                self.customer,
                NOW - timedelta(days=900),
                staff,
                uuid4(),
            )
            await uow.commit()

    async def tell(self, events: Sequence["Envelope"]) -> None:
        """Hand a batch over as the runner does, and note what is known since."""
        wire = [encode(event) for event in events]
        at = self.clock.now()
        await self.processor.process(
            [
                Record(event.topic, 0, next(_offsets), one.key, one.value, one.headers, 0)
                for event, one in zip(events, wire, strict=True)
            ]
        )
        for event in events:
            data = event.data or {}
            if event.type == POSTED:
                booked, money = date.fromisoformat(data["booked_on"]), data["money"]
                posting = Posting(UUID(data["account_id"]), booked, money["amount"], money["currency"], data["code"], event.id)
                self.entries.setdefault(event.id, (posting, at))
            elif event.type == REVERSED:
                self.reversals.setdefault(UUID(data["transaction_id"]), at)
            elif event.type == ACCOUNT_OPENED:
                self.products.setdefault(UUID(data["account_id"]), (data["product_code"], at))

    def posted(self, one: Posting) -> Envelope:
        data = {
            "transaction_id": str(one.entry),
            "customer_id": str(self.customer),
            "account_id": str(one.account),
            "source": "core",
            "external_id": str(one.entry),
            "booked_on": one.booked_on.isoformat(),
            "money": {"amount": one.amount, "currency": one.currency},
            "code": one.code,
        }
        return Envelope(one.entry, POSTED, "bank.transactions", str(self.customer), "/customer-svc", NOW, data)

    def reversed(self, one: Posting) -> Envelope:
        undone = uuid5(one.entry, "reversal")
        data = {
            "transaction_id": str(one.entry),
            "customer_id": str(self.customer),
            "account_id": str(one.account),
            "reversal_id": str(undone),
            "booked_on": one.booked_on.isoformat(),
        }
        return Envelope(undone, REVERSED, "bank.transactions", str(self.customer), "/customer-svc", NOW, data)

    def opened(self, account: UUID, product: str) -> Envelope:
        data = {
            "account_id": str(account),
            "customer_id": str(self.customer),
            "source": "core",
            "product_code": product,
            "currency": "CNY",
            "opened_on": "2020-01-01",
        }
        event = uuid5(account, "opened")
        return Envelope(event, ACCOUNT_OPENED, "bank.accounts", str(self.customer), "/customer-svc", NOW, data)

    def closed(self, account: UUID) -> Envelope:
        data = {"account_id": str(account), "customer_id": str(self.customer), "closed_on": TODAY.isoformat()}
        event = uuid5(account, "closed")
        return Envelope(event, ACCOUNT_CLOSED, "bank.accounts", str(self.customer), "/customer-svc", NOW, data)

    async def ask(
        self, as_of: date = TODAY, known_at: datetime | None = None, scope: RowScope = SYSTEM_SCOPE, now: datetime | None = None
    ) -> ActivityOut:
        async with self.database.transaction(readonly=True) as uow:
            at = now or self.clock.now()
            work = work_by("staff:1", uow, at, METHOD.calendar, scope)
            return await read_activity(work, METHOD, self.customer, as_of=as_of, known_at=known_at)

    def by_hand(self, as_of: date, known_at: datetime) -> dict[tuple[Any, ...], FiguresOut]:
        """(window, currency, product or "*", class or "*") → figures: each known entry counted in turn, by nothing but the definition."""
        groups: dict[tuple[Any, ...], list[Posting]] = {}
        for posting, recorded in self.entries.values():
            undone = self.reversals.get(posting.entry)
            if recorded > known_at or (undone is not None and undone <= known_at):
                continue
            product, since = self.products.get(posting.account, (None, known_at))
            product = product if since <= known_at else None
            kind = METHOD[ActivityClasses].classify(posting.code)
            for window in WINDOWS:
                if 0 <= (as_of - posting.booked_on).days <= window - 1:
                    for key in ((product, kind), (product, "*"), ("*", kind), ("*", "*")):
                        groups.setdefault((window, posting.currency, *key), []).append(posting)
        return {key: figures(found) for key, found in groups.items()}


def figures(postings: Iterable[Posting]) -> FiguresOut:
    found = list(postings)
    return FiguresOut(
        count=len(found),
        inflow_minor=sum(one.amount for one in found if one.amount > 0),
        outflow_minor=sum(-one.amount for one in found if one.amount < 0),
        active_days=len({one.booked_on for one in found}),
        last_on=max(one.booked_on for one in found),
    )


def flat(answer: ActivityOut) -> dict[tuple[Any, ...], FiguresOut]:
    found: dict[tuple[Any, ...], FiguresOut] = {}
    for window in answer.windows:
        at = (window.window_days, window.currency)
        found[*at, "*", "*"] = window.total
        found |= {(*at, "*", one.activity_class): one.figures for one in window.by_class}
        for product in window.by_product:
            found[*at, product.product_code, "*"] = product.total
            found |= {(*at, product.product_code, one.activity_class): one.figures for one in product.by_class}
    return found


@pytest.fixture
async def bank(postgres: Any) -> AsyncIterator[Bank]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=2))
        bank = Bank(database, ManualClock(NOW - timedelta(hours=2)))
        await bank.book()
        yield bank
        await database.dispose()


def stream(chance: random.Random, bank: Bank) -> list[Envelope]:
    """Postings of fourteen months and some ahead, on the windows' edges too; a third reversed, some of these posted anew with the same
    content or on another date; two of four accounts opened sooner or later, three closed; everything up to three times, in any order."""
    accounts = [uuid4() for _ in range(4)]
    edges = [window + step for window in WINDOWS for step in (-2, -1, 0)]
    events: list[Envelope] = [bank.opened(accounts[0], "current"), bank.opened(accounts[1], "savings")]
    events += [bank.closed(account) for account in accounts[:3]]
    for _ in range(120):
        ago = chance.choice(edges) if chance.random() < 0.4 else chance.randint(-5, 430)
        amount = chance.choice((-1, 1)) * chance.randint(1, 10 ** chance.randint(1, 12))
        currency = chance.choices(("CNY", "USD", "CZK"), (6, 2, 1))[0]
        one = Posting(chance.choice(accounts), TODAY - timedelta(days=ago), amount, currency, chance.choice(CODES))
        events.append(bank.posted(one))
        if chance.random() < 0.35:
            events.append(bank.reversed(one))
            fate = chance.random()
            if fate < 0.6:
                moved = one.booked_on + timedelta(days=chance.randint(-40, 40) if fate < 0.3 else 0)
                events.append(bank.posted(Posting(one.account, moved, one.amount, one.currency, one.code)))
    told = [event for event in events for _ in range(chance.choice((1, 1, 2, 3)))]
    chance.shuffle(told)
    return told


@pytest.mark.parametrize("seed", range(8))
async def test_s1_aggregates_equal_a_count_by_hand_however_events_arrive(seed: int, bank: Bank) -> None:
    chance = random.Random(seed)
    told = stream(chance, bank)
    asked: list[tuple[date, ActivityOut]] = []
    while told:
        batch, told = told[: (size := chance.randint(1, 40))], told[size:]
        await bank.tell(batch)
        if chance.random() < 0.5:
            as_of = TODAY - timedelta(days=chance.choice((0, 0, 1, 29, 30, 200)))
            answer = await bank.ask(as_of)
            assert flat(answer) == bank.by_hand(as_of, bank.clock.now())
            asked.append((as_of, answer))
        bank.clock.advance(timedelta(seconds=chance.choice((0.001, 60))))
    final = await bank.ask()
    assert flat(final) == bank.by_hand(TODAY, bank.clock.now())
    assert {window.currency for window in final.windows} == {"CNY", "USD", "CZK"}
    assert asked
    for as_of, answer in asked:
        again = await bank.ask(as_of, answer.known_at)
        assert again.model_dump_json() == answer.model_dump_json()


async def test_s1_aggregates_count_the_windows_last_day_and_not_the_day_before_its_first(bank: Bank) -> None:
    account = uuid4()
    days = [0, 29, 30, 89, 90, 364, 365, -1]
    postings = [Posting(account, TODAY - timedelta(days=ago), -100, "CNY", "card") for ago in days]
    await bank.tell([bank.posted(one) for one in postings])
    answer = await bank.ask()
    assert [(one.window_days, one.first_day, one.total.count) for one in answer.windows] == [
        (30, date(2026, 10, 27), 2), (90, date(2026, 8, 28), 4), (365, date(2025, 11, 26), 6)
    ]  # fmt: skip
    assert [one.product_code for one in answer.windows[0].by_product] == [None]
    assert [(one.code, one.en, one.zh, one.customer_initiated) for one in answer.classes] == [("card", "Card", "银行卡", True)]


async def test_s1_aggregates_windows_are_those_of_rfm_and_features(bank: Bank) -> None:
    """The same acts on the same edges: three readers of the ledger, one boundary."""
    chance = random.Random(1)
    edges = [window + step for window in WINDOWS for step in (-2, -1, 0, 1)]
    account = uuid4()
    await bank.tell(
        [
            bank.posted(Posting(account, TODAY - timedelta(days=ago), -chance.randint(1, 900), "CNY", "card"))
            for ago in edges * 2 + [400]
        ]
    )
    async with bank.database.transaction(readonly=True) as uow:
        days = (await read_days(uow, [bank.customer], until=TODAY))[bank.customer]
    history = history_of(days, METHOD[ActivityClasses], TODAY)
    features = features_of(days, METHOD[ActivityClasses], TODAY, METHOD[SignalStandard])
    assert history is not None
    assert features is not None
    for window in (await bank.ask()).windows:
        total = window.total
        assert features[f"acts_{window.window_days}"] == features[f"entries_card_{window.window_days}"] == total.count
        assert features[f"outflow_{window.window_days}_minor"] == total.outflow_minor
        recency = (TODAY - total.last_on).days
        assert rfm_columns(history, window.window_days) == (recency, total.count, total.outflow_minor)


async def test_s1_aggregates_say_on_which_reports_a_balance_rests(bank: Bank) -> None:
    seen, unseen = uuid4(), uuid4()
    await bank.tell(
        [
            bank.posted(Posting(seen, TODAY - timedelta(days=400), -100, "CNY", "card")),
            bank.posted(Posting(unseen, TODAY, -7, "CNY", "card")),
            bank.posted(Posting(unseen, TODAY, 50, "USD", "card")),
        ]
    )

    def balances(answer: ActivityOut) -> list[tuple[Any, ...]]:
        return [(one.currency, one.balance_minor, one.reported_accounts, one.reported_on) for one in answer.balances]

    before = await bank.ask()
    assert balances(before) == [("CNY", -107, 0, None), ("USD", 50, 0, None)]
    bank.clock.advance(timedelta(seconds=1))
    on = TODAY - timedelta(days=5)
    async with bank.database.transaction() as uow:
        await add_reports(uow, [Report(bank.customer, seen, on, 9_900, "CNY")], bank.clock.now())
        await uow.commit()
    assert balances(await bank.ask()) == [("CNY", 9_893, 1, on), ("USD", 50, 0, None)]
    assert balances(await bank.ask(on - timedelta(days=1))) == [("CNY", -100, 0, None)]
    assert await bank.ask(known_at=before.known_at) == before


async def test_s1_aggregates_of_a_customer_out_of_scope_are_not_found(bank: Bank) -> None:
    await bank.tell([bank.posted(Posting(uuid4(), TODAY, -100, "CNY", "card"))])
    own = await bank.ask(scope=RowScope(ScopeKind.OWN, RM))
    assert own.windows[0].total.count == 1
    with pytest.raises(NotFound):
        await bank.ask(scope=RowScope(ScopeKind.OWN, uuid4()))
    with pytest.raises(InvalidInput):
        await bank.ask(TODAY + timedelta(days=1))
    with pytest.raises(InvalidInput):
        await bank.ask(known_at=bank.clock.now() + timedelta(seconds=1))


async def test_s1_aggregates_without_a_posting_are_empty_and_sums_beyond_eight_bytes_exact(bank: Bank) -> None:
    assert (await bank.ask()).windows == []
    account = uuid4()
    await bank.tell([bank.posted(Posting(account, TODAY, 10**15, "CNY", "card")) for _ in range(100)])
    async with bank.database.transaction() as uow:
        # A day's sum is kept in eight bytes; what exceeds them only adds up over the days.
        await uow.driver.execute(
            "INSERT INTO ledger_entry SELECT $1, gen_random_uuid(), $2, $3::date - day, 10::bigint ^ 15, 'CNY', 'card', 'card', $4"
            " FROM generate_series(0, 29) day, generate_series(1, 400)",
            bank.customer,
            account,
            TODAY,
            bank.clock.now(),
        )
        await uow.commit()
    assert (await bank.ask()).windows[0].total.inflow_minor == 12_100 * 10**15


async def test_s1_aggregates_read_no_more_of_the_ledger_than_the_longest_window(bank: Bank) -> None:
    account = uuid4()
    async with bank.database.transaction() as uow:
        await uow.driver.execute(
            "INSERT INTO ledger_entry SELECT $1, gen_random_uuid(), $2, $3::date - (place / 3)::int, -100, 'CNY', 'card', 'card', $4"
            " FROM generate_series(1, 15000) place",
            bank.customer,
            account,
            TODAY,
            bank.clock.now(),
        )
        await uow.driver.execute("ANALYZE ledger_entry")
        plan = await uow.driver.fetch(
            "EXPLAIN " + _SUMS.format(visible="true"), bank.customer, TODAY, list(WINDOWS), None, max(WINDOWS)
        )
        await uow.commit()
    assert any("ix_ledger_entry_booked_on" in row[0] for row in plan)
    assert (await bank.ask()).windows[-1].total.active_days == 365
