"""`eventually` retries what may become true and nothing else."""

import pytest
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio


async def test_it_returns_the_first_true_answer() -> None:
    answers = iter([0, None, 7, 8])

    async def probe() -> int | None:
        return next(answers)

    assert await eventually(probe, every=0) == 7


async def test_it_retries_assertions_and_raises_the_last_one() -> None:
    calls: list[int] = []

    async def probe() -> bool:
        calls.append(1)
        raise AssertionError(f"call {len(calls)}")

    with pytest.raises(AssertionError) as failure:
        await eventually(probe, timeout=0.05, every=0.01)
    assert str(failure.value) == f"call {len(calls)}"
    assert len(calls) > 1


async def test_another_exception_ends_the_waiting() -> None:
    calls: list[int] = []

    async def probe() -> bool:
        calls.append(1)
        raise LookupError

    with pytest.raises(LookupError):
        await eventually(probe)
    assert len(calls) == 1
