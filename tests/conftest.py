"""What the tests that cross services share: deployments, one a bus, started once by the worker that has all tests of that bus."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from guanxi_testing.bank import Bank, open_bank
from guanxi_testing.deployment import RunningDeployment
from guanxi_testing.kafka import LocalKafka
from guanxi_testing.kafka_plugin import start_or_skip


@pytest.fixture(scope="session", params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDeployment]:
    """All processes on the bus of the parameter. Tests share it: each makes a bank of its own."""
    with deployed(tmp_path_factory.mktemp(request.param), on_kafka=request.param == "kafka") as deployment:
        yield deployment


@contextmanager
def deployed(folder: Path, *, on_kafka: bool = False) -> Iterator[RunningDeployment]:
    """A deployment that ends, and is deleted, with the block."""
    kafka = LocalKafka(folder / "kafka") if on_kafka else None
    if kafka is not None:
        start_or_skip(kafka)
    deployment = RunningDeployment(folder / "home", kafka)
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.delete()
        if kafka is not None:
            kafka.kill()


@pytest.fixture
async def bank(deployment: RunningDeployment, anyio_backend: str) -> AsyncIterator[Bank]:
    async with open_bank(deployment) as bank:
        yield bank
