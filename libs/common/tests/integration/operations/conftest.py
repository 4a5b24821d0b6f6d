"""A database with the tables of operations, and a table on which their steps leave what they did."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from guanxi_common.db.metadata import CommonBase
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.jobs import Job, run_once
from guanxi_common.operations import Kind, Operation, Start, service, start
from guanxi_common.operations.repository import Caller
from guanxi_common.operations.tables import OPERATION_TABLES
from guanxi_common.operations.worker import do_next_step
from guanxi_common.security.principal import SYSTEM_SCOPE

EVERYBODY = Caller(SYSTEM_SCOPE, "system:test")
STARTER = "staff:0192f0c1-0000-7000-8000-000000000001"


@dataclass
class Operations:
    """The operations of one database, at a time that the test sets."""

    database: Database
    url: str
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 28, 12, tzinfo=UTC))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def start(self, kind: str, *, by: str = STARTER, key: str | None = None, **parameters: Any) -> Operation:
        async with self.database.transaction() as uow:
            operation = await start(uow, Start(kind, by, parameters, key), self.now)
            await uow.commit()
        return operation

    async def step(self, kind: Kind) -> bool:
        """One run of the kind's job."""
        async with self.database.transaction() as uow:
            done = await do_next_step(uow, self.database, kind, self.now)
            await uow.commit()
        return done

    async def run(self, job: Job) -> int:
        return await run_once(self.database, job)

    async def finish(self, kind: Kind) -> None:
        while await self.step(kind):
            self.wait(1)

    async def read(self, operation_id: UUID) -> Operation:
        async with self.database.transaction(readonly=True) as uow:
            return await service.read(uow, EVERYBODY, operation_id)

    async def cancel(self, operation_id: UUID) -> Operation:
        async with self.database.transaction() as uow:
            cancelled = await service.cancel(uow, EVERYBODY, operation_id, self.now)
            await uow.commit()
        return cancelled

    async def effects(self) -> list[int]:
        async with self.database.transaction(readonly=True) as uow:
            return [row[0] for row in await uow.driver.fetch("SELECT number FROM effect ORDER BY number")]


@pytest.fixture
async def operations(empty_database: str) -> AsyncIterator[Operations]:
    database = Database(create_engine(empty_database, pool_size=6))
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: CommonBase.metadata.create_all(sync, tables=OPERATION_TABLES))
        await connection.exec_driver_sql("CREATE TABLE effect (number integer NOT NULL)")
    yield Operations(database, empty_database)
    await database.dispose()
