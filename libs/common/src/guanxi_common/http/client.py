"""The one place that speaks HTTP to others; nothing else imports httpx."""

import httpx


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
