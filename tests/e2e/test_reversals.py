"""Scores survive late postings and reversals: what was posted late and reversed leaves no trace in aggregates and scores, and what
was then posted anew is as if it had come in time. Compared byte by byte with customers to whom it happened the plain way."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import numpy as np
import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.ids import new_id
from guanxi_sandbox.commands import PRESIDENT
from guanxi_testing.bank import Bank, Member, business_today
from guanxi_testing.deployment import RunningDeployment
from guanxi_testing.eventually import eventually
from scoring_svc.scores.columns import score_of
from scoring_svc.scores.documents import document_of
from scoring_svc.shipped import load_method

from tests.conftest import deployed

pytestmark = pytest.mark.anyio

DEADLINE = 60.0
CODES = ("cash_deposit", "card", "transfer", "salary", "fee", "standing_order", "VYBER|SIPO", "not mapped")
BOOK = 150


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDeployment]:
    """One of its own: the lifetime model is fitted on the whole book, and other tests' customers buy as no model has it.

    The fold is the same on both buses; that both bring every event once is shown elsewhere.
    """
    with deployed(tmp_path_factory.mktemp("reversals")) as deployment:
        yield deployment


@dataclass(frozen=True)
class Planned:
    """A posting without its account: `days_ago` it was booked."""

    name: str
    days_ago: int
    amount: int
    code: str
    currency: str = "CNY"


def plan_postings(rng: Random, count: int, name: str) -> list[Planned]:
    currencies = rng.choices(["CNY", "USD"], [9, 1], k=count)
    return [
        Planned(
            f"{name}-{n}", rng.randrange(1, 400), rng.randrange(1, 3_000_000) * rng.choice([-1, 1]), rng.choice(CODES), currency
        )
        for n, currency in enumerate(currencies)
    ]


class History:
    """One customer's account, and what the scoring service makes of it."""

    def __init__(self, bank: Bank, rm: Member, account: str, customer_id: str) -> None:
        self._bank = bank
        self._rm = rm
        self._account = account
        self._customer_id = customer_id

    async def post(self, postings: Sequence[Planned], expected: str = "created", suffix: str = "") -> None:
        today = business_today()
        items = [
            self._bank.posting(
                self._account, p.name + suffix, today - timedelta(days=p.days_ago), p.amount, p.code, currency=p.currency
            )
            for p in postings
        ]
        assert set(await self._bank.post(items)) == {expected}

    async def reverse(self, postings: Sequence[Planned], expected: str = "created") -> None:
        items = [self._bank.reversal(self._account, f"undo-{p.name}", business_today(), p.name) for p in postings]
        assert set(await self._bank.post(items)) == {expected}

    async def settled(self, database: "asyncpg.Connection[Any]", *, entries: int, reversals: int) -> None:
        """Wait until the ledger has everything and the scorer has taken it up."""

        async def all_there() -> bool:
            found = await database.fetchrow(
                "SELECT (SELECT count(*) FROM ledger_entry WHERE customer_id = $1), (SELECT count(*) FROM ledger_reversal WHERE"
                " customer_id = $1), (SELECT count(*) FROM dirty_customer)",
                self._customer_id,
            )
            return found is not None and tuple(found) == (entries, reversals, 0)

        await eventually(all_there, timeout=DEADLINE, every=0.1)

    async def aggregates(self, database: "asyncpg.Connection[Any]") -> bytes:
        rows = await database.fetch(
            "SELECT booked_on, currency, activity_class, entries, credit_minor, debit_minor FROM daily_activity"
            " WHERE customer_id = $1 ORDER BY booked_on, currency, activity_class",
            self._customer_id,
        )
        return json.dumps([[str(value) for value in row] for row in rows]).encode()

    async def scores(self, database: "asyncpg.Connection[Any]") -> bytes:
        """The score on several days as the API gives it, and as the worker stored it."""
        scoring, today = self._bank.api("scoring", self._rm.subject), business_today()
        days = [(today - timedelta(days=ago)).isoformat() for ago in (0, 1, 30, 90, 180, 360)]
        scores = [await scoring.get(f"/v1/scores/{self._customer_id}", {"as_of": day}) for day in days]
        stored = await database.fetchrow("SELECT * FROM score WHERE customer_id = $1", self._customer_id)
        assert stored is not None
        scores.append(
            json.loads(stored["detail"]) if stored["detail"] else document_of(score_of(stored, load_method(BusinessCalendar())))
        )
        for score in scores:
            assert score.pop("customer_id") == self._customer_id
            del score["known_at"]
            for reason in score["retention"]["reasons"]:
                del reason["evidence_ids"]  # each customer has postings of its own
        return json.dumps(scores, ensure_ascii=False, sort_keys=True).encode()


async def test_late_reversed_and_posted_anew(bank: Bank, deployment: RunningDeployment) -> None:
    rng = Random(20261124)
    base, late = plan_postings(rng, 150, "base"), plan_postings(rng, 40, "late")
    early_reversals, known_late = late[:10], late[10:]
    outlet = await bank.add_outlet()
    rm = await bank.add_staff("relationship_manager", outlet)
    tried, without, with_late = [await open_history(bank, outlet, rm) for _ in range(3)]
    await post_a_book(bank, outlet, rng)
    await tried.post(base)
    await without.post(rng.sample(base, len(base)))
    await with_late.post(sorted([*base, *late], key=lambda posting: -posting.days_ago))
    async with scoring_database(deployment) as database:
        await with_late.settled(database, entries=190, reversals=0)
        await tried.settled(database, entries=150, reversals=0)
        await without.settled(database, entries=150, reversals=0)
        await fix_model_and_bands(bank, database)
        assert await tried.aggregates(database) == await without.aggregates(database)

        await tried.reverse(early_reversals, expected="held")
        await tried.post(known_late)
        await tried.settled(database, entries=180, reversals=0)
        assert await tried.aggregates(database) != await without.aggregates(database)
        await tried.post(rng.sample(early_reversals, len(early_reversals)))
        await tried.reverse(rng.sample(known_late, len(known_late)))
        await tried.post(known_late, expected="duplicate")
        await tried.settled(database, entries=190, reversals=40)
        assert await tried.aggregates(database) == await without.aggregates(database)
        assert await tried.scores(database) == await without.scores(database)

        await tried.post(rng.sample(late, len(late)), suffix="-anew")
        await tried.settled(database, entries=230, reversals=40)
        assert await tried.aggregates(database) == await with_late.aggregates(database)
        assert await tried.scores(database) == await with_late.scores(database)
        assert await tried.scores(database) != await without.scores(database)


async def open_history(bank: Bank, outlet: str, rm: Member) -> History:
    account = uuid4().hex[:12]
    customer_id = await bank.add_customer(outlet, rm, account)
    await bank.open_accounts([account])
    return History(bank, rm, account, customer_id)


async def post_a_book(bank: Bank, outlet: str, rng: Random) -> None:
    """Enough customers, who buy and drop out as BG/NBD has it, for a model to be fitted and bands to be frozen."""
    accounts = [uuid4().hex[:12] for _ in range(BOOK)]
    items, today, numbers = [], business_today(), np.random.default_rng(7)
    for account in accounts:
        await bank.add_customer(outlet, None, account)
        days_ago, rate, drop = rng.randrange(200, 390), numbers.gamma(1.5) / 20, numbers.beta(1, 4)
        while days_ago > 0:
            items.append(bank.posting(account, f"n-{days_ago}", today - timedelta(days=days_ago), -100_000 - days_ago, "card"))
            if numbers.random() < drop:
                break
            days_ago -= 1 + int(numbers.exponential(1 / rate))
    await bank.open_accounts(accounts)
    assert set(await bank.post(items)) == {"created"}


async def fix_model_and_bands(bank: Bank, database: "asyncpg.Connection[Any]") -> None:
    """Do a book run and wait until everybody has been scored by it."""
    scoring = bank.api("scoring", PRESIDENT)
    run = await scoring.post("/v1/score-runs", {}, key=new_id())

    async def done() -> bool:
        state = await scoring.get(f"/v1/score-runs/{run['id']}")
        dirty = await database.fetchval("SELECT count(*) FROM dirty_customer")
        return bool(state["state"] == "succeeded" and dirty == 0)

    await eventually(done, timeout=DEADLINE, every=0.1)
    models = await scoring.get("/v1/lifetime-models")
    assert models["data"][0]["state"] == "active", models["data"][0]
    scores = await database.fetch("SELECT DISTINCT model_version, bands_version FROM score")
    assert len(scores) == 1
    assert "none" not in f"{scores[0]['model_version']} {scores[0]['bands_version']}"


@asynccontextmanager
async def scoring_database(deployment: RunningDeployment) -> "AsyncIterator[asyncpg.Connection[Any]]":
    connection = await asyncpg.connect(deployment.database_url("scoring"))
    try:
        yield connection
    finally:
        await connection.close()
