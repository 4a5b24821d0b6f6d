"""One tombstone erases nobody: the list of erasures has to name the customer, too."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from guanxi_common.db.metadata import CommonBase
from guanxi_common.erasure.consumers import ListedErasures, without_the_erased
from guanxi_common.erasure.records import Erasure, FileErasureList
from guanxi_common.erasure.tables import ERASURE_TABLES
from guanxi_common.messaging.runner import ConsumerRunner, Subscription
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import QUICK, SNAPSHOT, SNAPSHOTS, Fabric, expect_dead_letters, record, record_effects, running

pytestmark = pytest.mark.anyio


async def test_d20_a_tombstone_of_somebody_who_is_not_listed_is_set_aside_and_holds_up_nothing(
    fabric: Fabric, tmp_path: Path
) -> None:
    async with fabric.database.engine.begin() as connection:
        await connection.run_sync(lambda sync: CommonBase.metadata.create_all(sync, tables=ERASURE_TABLES))
    erasures, customer, erased = FileErasureList(tmp_path / "list.jsonl"), uuid4(), uuid4()
    erasures.append(Erasure(erased, datetime.now(UTC)))
    subscription = without_the_erased(Subscription(SNAPSHOTS, {SNAPSHOT: record_effects}), ListedErasures(erasures))

    async def versions(expected: dict[str, list[int]]) -> bool:
        rows = await fabric.effects()
        assert {key: [row["version"] for row in rows if row["key"] == key] for key in expected} == expected
        return True

    def snapshot(version: int) -> dict[str, object]:
        return {"version": version, "data": {"customer_id": str(customer), "n": version}}

    async with running(ConsumerRunner(fabric.database, fabric.bus, fabric.group, [subscription], settings=QUICK)):
        await fabric.send(
            record(SNAPSHOTS, str(customer), SNAPSHOT, **snapshot(1)),
            record(SNAPSHOTS, str(customer), SNAPSHOT, version=10**9),
            record(SNAPSHOTS, str(erased), SNAPSHOT, version=2),
            record(SNAPSHOTS, str(customer), SNAPSHOT, **snapshot(2)),
        )
        await eventually(lambda: versions({str(customer): [1, 2], str(erased): [2]}))
        [letter] = await expect_dead_letters(fabric, 1)
        assert (letter["reason"], letter["key"], letter["resolved_at"]) == ("erasure_not_listed", None, None)

        # The consumer had another list mounted; now it has the one that names the customer.
        erasures.append(Erasure(customer, datetime.now(UTC)))
        await fabric.execute("UPDATE dead_letter SET requested_at = now(), requested_by = 'operator'")
        await eventually(lambda: versions({str(customer): [1, 2, 10**9]}))
