"""The one place that speaks HTTP to others; nothing else imports httpx."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx

_LONGEST_PAUSE = 30.0


class FetchFailed(Exception):
    """The address could not be read: no connection, a time-out, another status than 200, or too long an answer."""


async def fetch(url: str, *, timeout: float = 5, max_bytes: int = 1_048_576) -> bytes:
    """GET `url` and return the body, read within `timeout` seconds. Follows no redirect. Raises `FetchFailed`."""
    try:
        async with httpx.AsyncClient(timeout=timeout) as client, client.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise FetchFailed(f"{url} answered {answer.status_code}")
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    raise FetchFailed(f"{url} answered more than {max_bytes} bytes")
            return bytes(body)
    except httpx.HTTPError as error:
        raise FetchFailed(f"{url} cannot be read: {type(error).__name__}") from error


class ApiError(Exception):
    """An API answered with an error that a repetition cannot mend, or could not be reached often enough.

    Carries status (0: not reached) and the problem's `code`; never a body, which may hold personal data.
    """

    def __init__(self, path: str, status: int, code: str) -> None:
        super().__init__(f"{path} answered {status} {code}" if status else f"{path} could not be reached: {code}")
        self.status, self.code = status, code


class ApiClient:
    """Speaks JSON to one of our services with one token.

    What may pass is repeated: a lost connection, 429 and 503, and 409 `request_in_flight`, each after `Retry-After` or a growing
    pause. So every call made through it must be safe to repeat: idempotent by key or per item, or a read.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        token: str,
        *,
        attempts: int = 8,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._authorization = {"Authorization": f"Bearer {token}"}
        self._attempts = attempts
        self._pause = pause

    async def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """Raises `ApiError`."""
        return await self._call("GET", path, params=query, headers=self._authorization)

    async def post(self, path: str, body: Any, *, key: UUID | None = None) -> Any:
        """Post `body` as JSON, with `key` as its Idempotency-Key. Raises `ApiError`."""
        headers = self._authorization | ({"Idempotency-Key": str(key)} if key else {})
        return await self._call("POST", path, json=body, headers=headers)

    async def patch(self, path: str, body: Any) -> Any:
        """Merge `body` into whatever version there is: a repetition finds nothing to change. Raises `ApiError`."""
        return await self._call("PATCH", path, json=body, headers=self._authorization | {"If-Match": "*"})

    async def _call(self, method: str, path: str, **request: Any) -> Any:
        failure, wait = ApiError(path, 0, "no attempt"), 0.0
        for attempt in range(self._attempts):
            if attempt:
                await self._pause(wait)
            wait = min(0.2 * 2**attempt, _LONGEST_PAUSE)
            try:
                answer = await self._http.request(method, path, **request)
            except httpx.TransportError as error:
                failure = ApiError(path, 0, type(error).__name__)
                continue
            if answer.is_success:
                return answer.json()
            failure = ApiError(path, answer.status_code, _problem_code(answer))
            if answer.status_code not in (429, 503) and failure.code != "request_in_flight":
                raise failure
            stated = answer.headers.get("Retry-After", "")
            wait = min(float(stated), _LONGEST_PAUSE) if stated.isdecimal() else wait
        raise failure


@asynccontextmanager
async def open_http(base_url: str, *, timeout: float = 60) -> AsyncIterator[httpx.AsyncClient]:
    """A connection pool for `ApiClient`s of one service."""
    async with httpx.AsyncClient(base_url=base_url, timeout=timeout) as http:
        yield http


def _problem_code(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return "unknown"
    return str(problem.get("code", "unknown")) if isinstance(problem, dict) else "unknown"
