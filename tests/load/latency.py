"""From the posting to the score and to the task on the list, through all processes, while the intake runs at half of what it can."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from guanxi_common.http.client import ApiError
from guanxi_common.messaging.bus import Outgoing
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_testing.bank import Bank, business_today, open_bank
from guanxi_testing.deployment import RunningDeployment

from tests.load.measure import Row

PROBES, BATCH, DEADLINE = 100, 200, 30.0
HISTORY_MINOR = 50_000_000 - 23 * 100_000


async def measure(folder: Path) -> list[Row]:
    deployment = RunningDeployment(folder)
    await asyncio.to_thread(deployment.start)
    try:
        async with open_bank(deployment) as bank:
            outlet = await bank.add_outlet()
            rm = await bank.add_staff("relationship_manager", outlet)
            numbers = [f"L{position}" for position in range(PROBES + 1)]
            customers = [await bank.add_customer(outlet, rm, number) for number in numbers]
            await bank.open_accounts(numbers)
            today = business_today()
            for number in numbers[:-1]:
                await bank.post(_history(bank, number, today))
            async with _half_load(bank, numbers[-1], today) as rate:
                known = list(zip(numbers[:-1], customers[:-1], strict=True))
                scored = [await _probe_score(bank, rm.subject, number, customer, today) for number, customer in known]
                listed = [await _probe_task(bank, rm.subject, number, customer, today) for number, customer in known]
        round_trip = await _round_trip(deployment.database_url("bus"))
    finally:
        await asyncio.to_thread(deployment.delete)
    return [
        _row("Posting → GET /v1/scores shows it, embedded log", scored, round_trip, rate[0]),
        _row("Posting → task on the list, embedded log", listed, round_trip, rate[0]),
    ]


def _row(path: str, waits: list[float], round_trip: float, rate: float) -> Row:
    """The waits of the probes beside a bare round trip of the bus."""
    waits = sorted(waits)
    median, p99, worst = statistics.median(waits), waits[PROBES * 99 // 100 - 1], waits[-1]
    figure = (
        f"p50 {median * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, slowest of {PROBES} {worst * 1000:.0f} ms,"
        f" beside {rate:,.0f} postings/s"
    )
    ratios = (median / round_trip, waits[0] / round_trip, worst / round_trip)
    return Row(path, figure, f"produce + fetch, {round_trip * 1000:.1f} ms", ratios, "p99 ≤ 1 s", p99 <= 1.0)


def _history(bank: Bank, account: str, today: date) -> list[Any]:
    """A year of small, regular spending: what is usual."""
    items = [bank.posting(account, "H0", today - timedelta(days=365), 50_000_000, "cash_deposit")]
    items += [bank.posting(account, f"H{n}", today - timedelta(days=15 * n), -100_000, "card") for n in range(1, 24)]
    return items


async def _probe_score(bank: Bank, rm: str, account: str, customer: str, today: date) -> float:
    """Seconds from sending a small posting until the customer's score rests on it. Its history is waited for first."""
    await _score_rests_on(bank, rm, customer, HISTORY_MINOR)
    began = time.perf_counter()
    await bank.post([bank.posting(account, "S", today, -100, "card")])
    await _score_rests_on(bank, rm, customer, HISTORY_MINOR - 100)
    return time.perf_counter() - began


async def _score_rests_on(bank: Bank, rm: str, customer: str, balance: int) -> None:
    api, deadline = bank.api("scoring", rm), time.perf_counter() + DEADLINE
    while time.perf_counter() < deadline:
        try:
            score = await api.get(f"/v1/scores/{customer}")
        except ApiError as refusal:
            if refusal.status not in (401, 403, 404):
                raise
        else:
            if score["inputs"]["balance_minor"] == balance:
                return
        await asyncio.sleep(0.02)
    raise AssertionError(f"no score within {DEADLINE} s")


async def _probe_task(bank: Bank, rm: str, account: str, customer: str, today: date) -> float:
    """Seconds from sending a large outflow until its task is on the RM's list."""
    api = bank.api("engagement", rm)
    began = time.perf_counter()
    await bank.post([bank.posting(account, "P", today, -20_000_000, "transfer")])
    while time.perf_counter() < began + DEADLINE:
        tasks = (await api.get("/v1/worklist?limit=100"))["data"]
        if any(task["customer_id"] == customer and task["reason_code"] == "large_outflow" for task in tasks):
            return time.perf_counter() - began
        await asyncio.sleep(0.02)
    raise AssertionError(f"no task within {DEADLINE} s")


@asynccontextmanager
async def _half_load(bank: Bank, account: str, today: date) -> AsyncIterator[list[float]]:
    """Post on one account, half of the time; yields the rate in a list that is filled at the end."""
    rate = [0.0]
    posted, began, stop = 0, time.perf_counter(), asyncio.Event()

    async def load() -> None:
        nonlocal posted
        while not stop.is_set():
            started = time.perf_counter()
            await bank.post(
                [bank.posting(account, f"B{posted + n}", today - timedelta(days=200), -100, "card") for n in range(BATCH)]
            )
            posted += BATCH
            await asyncio.sleep(time.perf_counter() - started)

    running = asyncio.create_task(load())
    try:
        yield rate
    finally:
        stop.set()
        await running
        rate[0] = posted / (time.perf_counter() - began)


async def _round_trip(url: str) -> float:
    """Median seconds from sending a record until a waiting consumer has it."""
    bus = await EmbeddedBus.open(url)
    producer, consumer = await bus.producer(), await bus.consumer(group="bench", topics=["bank.inbound.accounts"])
    while not consumer.assignment():
        await consumer.poll(max_records=1, timeout=0.1)
    times = []
    for position in range(50):
        began = time.perf_counter()
        await producer.send([Outgoing("bank.inbound.accounts", str(position).encode(), b"{}")])
        while not await consumer.poll(max_records=10, timeout=1):
            pass
        times.append(time.perf_counter() - began)
    await consumer.close()
    await producer.close()
    await bus.close()
    return statistics.median(times)
