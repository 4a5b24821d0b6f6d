"""S5: each fresh signal is answered by one recommended action, in its own transaction, once."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_contracts.topics import validate_data
from scoring_svc.actions.policy import ActionStandard
from scoring_svc.actions.repository import Action
from scoring_svc.actions.service import answer_signals
from scoring_svc.signals.repository import Signal
from scoring_svc.standards import load_standards

pytestmark = pytest.mark.anyio

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
STANDARD = load_standards(ActionStandard, "actions")[-1]


def a_signal(kind: str, severity: str, *, historical: bool = False, **figures: int) -> Signal:
    return Signal(
        customer_id=uuid4(),
        signal_id=uuid4(),
        kind=kind,
        currency="CNY",
        severity=severity,
        business_date=TODAY,
        historical=historical,
        reason_code=kind,
        reason_en="It happened.",
        reason_zh="发生了变化。",
        evidence={**figures, "currency": "CNY", "entry_ids": [str(uuid4())]},
        standard_version=1,
        raised_at=NOW,
    )


async def published(uow: UnitOfWork) -> list[dict[str, Any]]:
    rows = await uow.driver.fetch("SELECT payload FROM outbox WHERE topic = 'scoring.actions' ORDER BY sequence")
    return [json.loads(record[1]) for row in rows for record in msgspec.msgpack.decode(row["payload"])]


async def test_s5_a_signal_becomes_one_action_with_its_reason_and_evidence(postgres: Any) -> None:
    outflow = a_signal("large_outflow", "critical", amount_minor=9_000_000)
    drop = a_signal("balance_drop", "warning", balance_minor=1_000_000, reference_minor=5_000_000)
    old = a_signal("large_outflow", "critical", historical=True, amount_minor=9_000_000)

    async def answer(database: Database, signals: Sequence[Signal]) -> list[Action]:
        async with database.transaction() as uow:
            new = await answer_signals(uow, STANDARD, signals, TODAY, NOW)
            await uow.commit()
        return new

    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=1))
        new = await answer(database, [outflow, drop, old])
        assert [(one.reason_code, one.kind, one.value_minor) for one in new] == [
            ("large_outflow", "retention", 135_000),
            ("balance_drop", "retention", 60_000),
        ]
        assert await answer(database, [drop, outflow]) == []
        async with database.transaction() as uow:
            events = await published(uow)
        for event in events:
            validate_data("guanxi.action.recommended.v1", event)
        assert [event["evidence"]["signal_ids"] for event in events] == [[str(outflow.signal_id)], [str(drop.signal_id)]]
        assert events[0]["evidence"]["entry_ids"] == outflow.evidence["entry_ids"]
        assert events[0]["priority_bp"] > events[1]["priority_bp"]
        await database.dispose()
