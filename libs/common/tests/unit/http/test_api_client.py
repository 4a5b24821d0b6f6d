"""What the API client repeats, what it raises, and what it never tells."""

from uuid import UUID

import httpx
import pytest
from guanxi_common.http.client import ApiClient, ApiError, FetchFailed, fetch

pytestmark = pytest.mark.anyio

KEY = UUID("018f0000-0000-7000-8000-000000000001")


class Service:
    """Gives the prepared answers one after the other and notes the requests and the pauses."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def post(self) -> object:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="http://bank.test") as http:
            return await ApiClient(http, "token", attempts=3, pause=self.pause).post("/v1/things", {"a": 1}, key=KEY)


async def test_token_and_key_are_sent():
    service = Service(httpx.Response(201, json={"id": 1}))
    assert await service.post() == {"id": 1}
    assert service.requests[0].headers["Authorization"] == "Bearer token"
    assert service.requests[0].headers["Idempotency-Key"] == str(KEY)


async def test_what_may_pass_is_repeated_with_the_same_key():
    service = Service(
        httpx.ConnectError("refused"),
        httpx.Response(409, json={"code": "request_in_flight"}, headers={"Retry-After": "1"}),
        httpx.Response(200, json={}),
    )
    assert await service.post() == {}
    assert service.pauses == [0.2, 1.0]
    assert {request.headers["Idempotency-Key"] for request in service.requests} == {str(KEY)}


async def test_a_stated_pause_is_bounded():
    service = Service(httpx.Response(503, headers={"Retry-After": "86400"}), httpx.Response(200, json={}))
    await service.post()
    assert service.pauses == [30.0]


async def test_other_errors_are_raised_at_once_without_the_body():
    service = Service(httpx.Response(422, json={"code": "invalid_input", "detail": "11010519491231002X"}))
    with pytest.raises(ApiError) as caught:
        await service.post()
    assert (caught.value.status, caught.value.code, service.pauses) == (422, "invalid_input", [])
    assert "11010519491231002X" not in str(caught.value)


async def test_it_gives_up_after_the_last_attempt():
    service = Service(*(httpx.ReadTimeout("slow") for _ in range(3)))
    with pytest.raises(ApiError, match="could not be reached: ReadTimeout"):
        await service.post()
    assert len(service.requests) == 3


async def test_an_answer_that_is_no_problem_document():
    with pytest.raises(ApiError, match="502 unknown"):
        await Service(httpx.Response(502, text="<html>")).post()


async def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write the answer of the configured address would choose the next one."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://169.254.169.254/latest/meta-data"})

    client = httpx.AsyncClient
    monkeypatch.setattr(httpx, "AsyncClient", lambda **options: client(transport=httpx.MockTransport(answer), **options))
    with pytest.raises(FetchFailed, match="302"):
        await fetch("https://issuer.bank.test/jwks")
    assert asked == ["https://issuer.bank.test/jwks"]
