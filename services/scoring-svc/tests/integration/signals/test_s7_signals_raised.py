"""S7: a signal is raised once, cools down, and is counted once it is durable."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, create_engine
from prometheus_client import REGISTRY
from scoring_svc.ledger.history import history_of
from scoring_svc.ledger.policy import DailyActivity, load_activity_classes
from scoring_svc.signals import repository
from scoring_svc.signals.policy import SignalStandard
from scoring_svc.signals.service import Raising, raise_signals
from scoring_svc.standards import load_standards

pytestmark = pytest.mark.anyio

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)


async def test_s7_a_signal_is_raised_once_and_counted_when_durable(postgres: Any) -> None:
    classes, standard = load_activity_classes(), load_standards(SignalStandard, "signals")[-1]
    kind, customer = min(classes.customer_initiated), uuid4()
    usual = [DailyActivity(customer, TODAY - timedelta(days=10 * n), "CNY", kind, 1, 0, -500_000 - n) for n in range(1, 20)]
    days = sorted([*usual, DailyActivity(customer, TODAY, "CNY", kind, 1, 0, -90_000_000)], key=lambda day: day.booked_on)
    history = history_of(days, classes, TODAY)
    assert history is not None

    def counted() -> float:
        return REGISTRY.get_sample_value("guanxi_signals_total", {"kind": "large_outflow", "severity": "critical"}) or 0.0

    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=1))

        async def run(*, commit: bool) -> list[str]:
            async with database.transaction() as uow:
                before = await repository.raised_on(uow, [customer])
                calendar = BusinessCalendar(zone="Asia/Shanghai")
                new = await raise_signals(
                    Raising(uow, calendar, standard, before, NOW), classes, customer, history, TODAY, silent_until=TODAY
                )
                if commit:
                    await uow.commit()
            return [signal.kind for signal in new]

        start = counted()
        assert await run(commit=False) == ["large_outflow"]
        assert counted() == start
        assert await run(commit=True) == ["large_outflow"]
        assert counted() == start + 1
        assert await run(commit=True) == []
        assert counted() == start + 1
        await database.dispose()
