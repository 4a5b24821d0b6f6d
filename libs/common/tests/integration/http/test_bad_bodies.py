"""One corpus of bad bodies over both kinds of routes: the same status and code, and nothing of the input in the answer."""

import pytest
from guanxi_testing.bad_bodies import BAD_BODIES, GOOD_BODY, SECRET, BadBody

pytestmark = pytest.mark.anyio

PATHS = ("/v1/notes", "/v1/hot-notes")


@pytest.mark.parametrize("path", PATHS)
async def test_every_bad_body_is_answered_as_the_corpus_says(service, path):
    wrong = [f"{bad.name}: {told}" for bad in BAD_BODIES if (told := await answer(service.client, path, bad)) is not None]
    assert wrong == []
    async with service.database.transaction(readonly=True) as uow:
        assert await uow.driver.fetchval("SELECT count(*) FROM note") == 0


async def answer(client, path: str, bad: BadBody) -> str | None:
    """What is wrong with the answer; None if nothing."""
    headers = {"Idempotency-Key": bad.name.encode("ascii", "replace").decode()}
    if bad.content_type is not None:
        headers["Content-Type"] = bad.content_type
    response = await client.post(path, content=bad.body, headers=headers)
    if response.headers.get("content-type") != "application/problem+json":
        return f"{response.status_code} no problem document"
    if (response.status_code, response.json()["code"]) != (bad.status, bad.code):
        return f"{response.status_code} {response.json()['code']} instead of {bad.status} {bad.code}"
    return "the input is echoed" if SECRET in response.text else None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        GOOD_BODY,
        b' { "name" : "Li" , "amount" : 5 } ',
        b'{"name":":","amount":5}',
        b'{"name":"a\\":b","amount":-9223372036854775808}',
        b'{"name":"\\u674e\\ud83d\\ude00","amount":9223372036854775807,"birth_date":null}',
        '{"name":"李伟","amount":5,"birth_date":"1990-03-07"}'.encode(),
        b'{"name":"\\\\u0000","amount":5}',
    ],
)
async def test_good_bodies_are_taken(service, path, body):
    response = await service.client.post(
        path, content=body, headers={"Idempotency-Key": "k", "Content-Type": "application/json; charset=UTF-8"}
    )
    assert response.status_code == 201, response.text
