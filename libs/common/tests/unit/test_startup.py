"""A process waits for what it needs, within bounds, and not for what will never come."""

import pytest
from guanxi_common.startup import when_available

pytestmark = pytest.mark.anyio


class Step:
    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "started"


async def test_a_transient_failure_is_waited_out() -> None:
    step = Step(ConnectionRefusedError())
    assert await when_available(step) == "started"
    assert step.calls == 2


async def test_a_permanent_failure_is_raised_at_once() -> None:
    step = Step(ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        await when_available(step)
    assert step.calls == 1


async def test_patience_ends() -> None:
    step = Step(*[ConnectionRefusedError() for _ in range(10)])
    with pytest.raises(ConnectionRefusedError):
        await when_available(step, patience=0.3)
    assert step.calls == 2
