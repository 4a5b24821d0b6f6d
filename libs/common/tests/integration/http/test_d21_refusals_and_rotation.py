"""D21: a definite refusal is an answer that is kept; answers are found under every secret while these are rotated."""

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest

pytestmark = pytest.mark.anyio

BODY = {"name": "Li Wei", "amount": 5}
OLD, NEW = b"o" * 32, b"n" * 32
KEPT = {
    "bad request": (400, False),
    "bad cursor": (400, False),
    "unauthenticated": (401, False),
    "forbidden": (403, False),
    "not found": (404, False),
    "slow body": (408, False),
    "conflict": (409, True),
    "conflict for now": (409, False),
    "in flight": (409, False),
    "database": (409, False),
    "stale version": (412, False),
    "too large": (413, False),
    "media type": (415, False),
    "rule": (422, True),
    "key reused": (422, False),
    "no version": (428, False),
    "too many": (429, False),
    "fault": (500, False),
    "unavailable": (503, False),
}


async def judge(service, refusal: str, key: str, **headers: str):
    body = {"refusal": refusal}
    return await service.client.post("/v1/notes:judge", json=body, headers={"Idempotency-Key": key, **headers})


async def count_notes(service, name: str) -> int:
    async with service.database.transaction(readonly=True) as uow:
        return await uow.driver.fetchval("SELECT count(*) FROM note WHERE name = $1", name)


async def allow(service) -> None:
    async with service.database.transaction() as uow:
        await uow.driver.execute("INSERT INTO note (name) VALUES ('allowed')")
        await uow.commit()


async def test_a_rule_refuses_the_same_way_again_and_nothing_else_is_kept(service):
    first = {refusal: await judge(service, refusal, refusal) for refusal in KEPT}
    assert {refusal: answer.status_code for refusal, answer in first.items()} == {
        refusal: status for refusal, (status, _) in KEPT.items()
    }
    assert await count_notes(service, "effect") == 0

    await allow(service)
    again = {refusal: await judge(service, refusal, refusal, **{"Accept-Language": "zh"}) for refusal in KEPT}
    kept = {refusal for refusal, answer in again.items() if answer.status_code != 201}
    assert kept == {refusal for refusal, (_, is_kept) in KEPT.items() if is_kept}
    for refusal in kept:
        before, after = first[refusal], again[refusal]
        assert (before.status_code, before.content) == (after.status_code, after.content)
        assert before.headers["content-type"] == after.headers["content-type"] == "application/problem+json"
        assert before.headers["content-language"] == after.headers["content-language"] == "en"
        assert before.headers["x-request-id"] != after.headers["x-request-id"]
    assert await count_notes(service, "effect") == len(KEPT) - len(kept)


async def test_a_refusal_by_the_schema_is_not_kept(service):
    headers = {"Idempotency-Key": "k"}
    assert (await service.client.post("/v1/notes", json={"name": 5, "amount": 5}, headers=headers)).status_code == 422
    assert (await service.client.post("/v1/notes", json=BODY, headers=headers)).status_code == 201


async def test_a_kept_refusal_belongs_to_its_body(service):
    await judge(service, "conflict", "k")
    other = await judge(service, "rule", "k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


STEPS = [(OLD,), (OLD, NEW), (NEW, OLD), (NEW,)]
"""Add everywhere, then lead, then drop."""


@pytest.mark.parametrize(("former", "next_"), list(pairwise(STEPS)), ids=["add", "lead", "drop"])
async def test_processes_one_step_of_a_rotation_apart_answer_a_key_once(start, former, next_):
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(start(secrets=secrets)) for secrets in (former, next_)]
        for key in ("a", "b", "c"):
            headers = {"Idempotency-Key": key}
            posts = (services[n % 2].client.post("/v1/notes", json=BODY, headers=headers) for n in range(12))
            answers = await asyncio.gather(*posts)
            later = [await service.client.post("/v1/notes", json=BODY, headers=headers) for service in services]
            done = [answer for answer in (*answers, *later) if answer.status_code == 201]
            assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {"request_in_flight"}
            assert all(answer.status_code == 201 for answer in later)
            assert len({answer.content for answer in done}) == 1
        assert await count_notes(services[0], "Li Wei") == 3


@pytest.mark.parametrize("step", [1, 2])
async def test_a_retry_after_a_rotation_finds_the_first_answer(start, step):
    headers = {"Idempotency-Key": "k"}
    async with start(secrets=STEPS[step - 1]) as before, start(secrets=STEPS[step]) as after:
        first = await before.client.post("/v1/notes", json=BODY, headers=headers)
        refused = await judge(before, "conflict", "r")
        await allow(before)
        second = await after.client.post("/v1/notes", json=BODY, headers=headers)
        assert (first.status_code, second.status_code, second.content) == (201, 201, first.content)
        assert (await judge(after, "conflict", "r")).content == refused.content
        other = await after.client.post("/v1/notes", json={**BODY, "amount": 6}, headers=headers)
        assert other.json()["code"] == "idempotency_key_reused"
        assert await count_notes(after, "Li Wei") == 1
