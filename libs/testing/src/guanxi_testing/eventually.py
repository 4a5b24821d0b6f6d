"""Waiting for what other tasks and processes do: poll to a deadline, never sleep for a guess."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def eventually(probe: Callable[[], Awaitable[T]], *, timeout: float = 10, every: float = 0.02) -> T:
    """Call `probe` until it neither raises `AssertionError` nor returns something falsy, and return its answer.

    After `timeout` seconds the last `AssertionError` is raised again. Any other exception ends the waiting at once.
    """
    deadline = time.monotonic() + timeout
    while True:
        failure: AssertionError
        try:
            answer = await probe()
            if answer:
                return answer
            failure = AssertionError(f"not within {timeout} s: the last answer was {answer!r}")
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        await anyio.sleep(every)
