"""The whole book of a million scored from table to table, beside a bare binary COPY of the same rows and beside the usual way."""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import numpy as np
import pandas as pd
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_common.db.migrate import migrate
from guanxi_common.db.uow import Database, create_engine
from lifetimes import BetaGeoFitter
from scoring_svc.retention.policy import RetentionInputs, RetentionStandard, retention_risk
from scoring_svc.rfm.policy import RfmStandard, cells, quintile_bounds
from scoring_svc.runs import book as books
from scoring_svc.runs import exchange, repository, service
from scoring_svc.runs.binary_copy import days
from scoring_svc.runs.book import BANDED, Book
from scoring_svc.runs.rows import WRITTEN, RowWriter
from scoring_svc.scores.columns import INPUTS
from scoring_svc.scores.tables import ScoreRow
from scoring_svc.shipped import load_method
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.load.measure import Contender, Figures, Row, Timed, row, take_turns
from tests.load.models import MILLION, drawn_book, once

METHOD: Final = load_method(BusinessCalendar(zone="Asia/Shanghai"))
NOW: Final = datetime(2026, 11, 25, 4, tzinfo=UTC)
TODAY: Final = date(2026, 11, 25)
ROUNDS: Final = 3
SAMPLE: Final = 20_000
NEWS: Final = 20_000
MOST_MIB: Final = 2_048
COLUMNS: Final = ", ".join(WRITTEN)


def random_book(size: int) -> Book:
    """Acts of the BG/NBD model; balances, flows and incomes at random, so that every rule applies to some."""
    frequency, recency, age = drawn_book(size)
    random = np.random.default_rng(9)
    recent = random.integers(0, 12, size)
    balance, outflow = random.integers(-50_000, 30_000_000, size), random.integers(0, 6_000_000, size)
    columns: dict[str, Any] = {
        "customer_id": np.frombuffer(random.bytes(16 * size), dtype="V16"),
        "silence_judged_on": np.full(size, days(TODAY)),
        "currency": np.full(size, b"CNY", dtype="S3").view("V3"),
        "plain": np.ones(size, dtype=bool),
        "history_days": age + 1,
        "acts_recent": recent,
        "acts_before": random.integers(0, 12, size),
        "silent_days": age - recency,
        "balance_minor": balance,
        "median_balance_minor": (balance * random.uniform(0.5, 3, size)).astype(np.int64),
        "outflow_minor": outflow,
        "inflow_minor": (outflow * random.uniform(0, 2, size)).astype(np.int64),
        "income_overdue_days": np.where(random.random(size) < 0.4, random.integers(0, 40, size), -1),
        "rfm_recency_days": np.minimum(age - recency, 364),
        "rfm_frequency": frequency + 1,
        "rfm_monetary_minor": (frequency + 1) * random.integers(500, 2_000_000, size),
        "act_days": frequency + 1,
        "act_span_days": recency,
        "act_age_days": age,
    }
    return books.book_of(columns)


async def fill(database: Database, book: Book) -> None:
    """The table as the scorer leaves it before there is a model."""
    found = books.lifetimes(book, None)
    writer = RowWriter(book, TODAY, NOW, f"retention-rules-{METHOD[RetentionStandard].version}+bgnbd-none", {"CNY": None})

    async def rows() -> AsyncIterator[bytes]:
        for start in range(0, book.size, service.BLOCK):
            block = slice(start, min(start + service.BLOCK, book.size))
            scored = books.score(book, block, found, METHOD[RetentionStandard], METHOD[RfmStandard], {})
            for piece in writer.rows(block, scored, found):
                yield piece

    async with database.transaction() as uow:
        await uow.driver.execute("SET LOCAL statement_timeout = 0")
        await exchange.copy_in(uow, "score", WRITTEN, rows())
        await uow.commit()
    async with database.transaction() as uow:
        await uow.driver.execute("SET LOCAL statement_timeout = 0")
        await uow.driver.execute("ANALYZE score")
        await uow.commit()


async def step(database: Database) -> bool:
    async with database.transaction() as uow:
        done = await service.work_on_run(uow, database, METHOD, NOW)
        await uow.commit()
    return done


async def start(database: Database) -> repository.ScoreRun:
    async with database.transaction() as uow:
        run = await service.request_run(uow, METHOD, None, "bench", NOW)
        await uow.commit()
    return run


async def state(database: Database, run: repository.ScoreRun) -> repository.ScoreRun:
    async with database.transaction(readonly=True) as uow:
        found = await repository.read_run(uow, run.id)
    assert found is not None
    return found


def ours(database: Database) -> Contender:
    """From the queued run to the exchanged book; what is told afterwards is not timed."""

    async def run() -> Timed:
        asked = await start(database)
        began = time.perf_counter()
        while (await state(database, asked)).stage != repository.PUBLISHING:
            assert await step(database)
        seconds = time.perf_counter() - began
        async with database.transaction() as uow:
            await uow.driver.execute("TRUNCATE score_news")
            await uow.commit()
        while await step(database):
            pass
        done = await state(database, asked)
        assert (done.state, (done.result or {})["scored_in_columns"]) == ("succeeded", MILLION), done
        return Timed(MILLION, seconds)

    return run


def bare(url: str) -> Contender:
    """The limit: the columns of the table out, the same rows into a new table, its two indexes, commit."""

    async def run() -> Timed:
        connection = await asyncpg.connect(url)
        kept: list[bytes] = []

        async def keep(piece: bytes) -> None:
            kept.append(piece)

        async def source() -> AsyncIterator[bytes]:
            for piece in kept:
                yield piece

        began = time.perf_counter()
        async with connection.transaction():
            await connection.copy_from_query(f"SELECT {COLUMNS} FROM score", output=keep, format="binary")  # noqa: S608  # constants
            await connection.execute("CREATE TABLE bare (LIKE score)")
            await connection.copy_to_table("bare", source=source(), columns=list(WRITTEN), format="binary")
            await connection.execute("ALTER TABLE bare ADD PRIMARY KEY (customer_id)")
            await connection.execute("CREATE INDEX ON bare (silence_judged_on, customer_id)")
        seconds = time.perf_counter() - began
        await connection.execute("DROP TABLE bare")
        await connection.close()
        return Timed(MILLION, seconds)

    return run


def peer(database: Database) -> Contender:
    """The usual way, on a sample: ORM objects, `lifetimes`, pandas, the rules one by one, and the ORM's own writes."""

    async def run() -> Timed:
        async with AsyncSession(database.engine.execution_options(isolation_level="READ COMMITTED")) as session:
            began = time.perf_counter()
            rows = (await session.scalars(select(ScoreRow).limit(SAMPLE))).all()
            x, t, age = (
                np.array([getattr(one, name) for one in rows], dtype=float)
                for name in ("act_days", "act_span_days", "act_age_days")
            )
            model = BetaGeoFitter().fit(x - 1, t / 7, age / 7)
            alive = model.conditional_probability_alive(x - 1, t / 7, age / 7)
            acts = model.conditional_expected_number_of_purchases_up_to_time(90 / 7, x - 1, t / 7, age / 7)
            table = pd.DataFrame({name: [getattr(one, name) for one in rows] for name in BANDED})
            ranks = [pd.qcut(table[name].rank(method="first"), 5, labels=False) for name in BANDED]
            for number, one in enumerate(rows):
                one.p_alive_bp = int(alive[number] * 10_000) if one.act_days and one.act_days > 1 else None
                one.expected_acts_90_days = round(float(acts[number]), 6)
                one.rfm_cell = int(511 - 100 * ranks[0][number] + 10 * ranks[1][number] + ranks[2][number])
                inputs = RetentionInputs(as_of=TODAY, **{name: getattr(one, name) for name in INPUTS})
                risk = retention_risk(inputs, METHOD[RetentionStandard])
                one.value_bp, one.band, one.known_at = risk.value_bp, risk.band, datetime.now(UTC)
                one.main_reason = risk.main_reason.code if risk.main_reason else None
            await session.flush()
            seconds = time.perf_counter() - began
            await session.rollback()
        return Timed(SAMPLE, seconds)

    return run


def publishing(database: Database) -> Contender:
    """What a run has changed, from the exchange to the outbox."""

    async def run() -> Timed:
        asked = await start(database)
        while (await state(database, asked)).stage != repository.PUBLISHING:
            await step(database)
        async with database.transaction() as uow:
            await uow.driver.execute("TRUNCATE outbox, action_due")
            await uow.driver.execute(
                "INSERT INTO score_news SELECT customer_id, 'high', 'silence' FROM score LIMIT $1 ON CONFLICT DO NOTHING", NEWS
            )
            await uow.commit()
        began = time.perf_counter()
        while await step(database):
            pass
        return Timed(NEWS, time.perf_counter() - began)

    return run


def ntile(url: str) -> Contender:
    async def run() -> int:
        connection = await asyncpg.connect(url)
        await connection.fetch(
            "SELECT sum(r), sum(f), sum(m) FROM (SELECT ntile(5) OVER (ORDER BY rfm_recency_days) AS r,"
            " ntile(5) OVER (ORDER BY rfm_frequency) AS f, ntile(5) OVER (ORDER BY rfm_monetary_minor) AS m FROM score) banded"
        )
        await connection.close()
        return 1

    return run


async def peak_of_a_run(url: str) -> float:
    """The peak memory in MiB of a process that does nothing but a run."""
    program = "import asyncio, sys; from tests.load.book import one_run; asyncio.run(one_run(sys.argv[1]))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return float(json.loads(out))


async def one_run(url: str) -> None:
    database = Database(create_engine(url))
    await ours(database)()
    await database.dispose()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # noqa: T201  # what the parent reads


async def measure(folder: Path) -> list[Row]:
    with EmbeddedPostgres(folder / "postgres") as server:
        server.create_database("guanxi_scoring")
        url = server.url("guanxi_scoring")
        await migrate(url, "scoring_svc")
        database = Database(create_engine(url))
        book = random_book(MILLION)
        await fill(database, book)
        try:
            return await _rows(database, url, book)
        finally:
            await database.dispose()


async def _rows(database: Database, url: str, book: Book) -> list[Row]:
    figures = await take_turns(
        {"ours": ours(database), "bare COPY": bare(url), "lifetimes and ORM": peer(database)}, rounds=ROUNDS
    )
    columns = [book.columns[name] for name in BANDED]
    banding = {"ours": once(lambda: cells(quintile_bounds(*columns, "bench"), *columns)), "PostgreSQL ntile": ntile(url)}
    rfm = await take_turns(banding, rounds=ROUNDS)
    told = await take_turns({"ours": publishing(database)}, rounds=ROUNDS)
    peak = await peak_of_a_run(url)
    return [
        row("Whole book 1M, table to table", figures, "bare COPY", "customers/s", 0.5),
        row("Whole book 1M, table to table (peer: a sample of 20,000)", figures, "lifetimes and ORM", "customers/s", None),
        _peak(peak),
        _alone("Publishing of what a run changed", told, "customers/s"),
        row("RFM quintiles and cells, 1M", rfm, "PostgreSQL ntile", "runs/s", 8),
    ]


def _peak(mib: float) -> Row:
    ratio = MOST_MIB / mib
    return Row(
        "Whole book 1M, peak memory of the process", f"{mib:,.0f} MiB", "2 GiB", (ratio, ratio, ratio), "≥ 1×", mib <= MOST_MIB
    )


def _alone(path: str, figures: Figures, unit: str) -> Row:
    """A figure that has nothing beside it."""
    return Row(path, f"{figures.median('ours'):,.0f} {unit}", "itself", (1.0, 1.0, 1.0), "–", None)
