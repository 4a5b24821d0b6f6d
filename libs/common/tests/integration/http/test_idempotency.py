"""R4: the same Idempotency-Key gives the same answer; there is one effect; nobody waits."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from guanxi_common.http.idempotency import purge
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio

BODY = {"name": "Li Wei", "amount": 5}


async def count_notes(service) -> int:
    async with service.database.transaction(readonly=True) as uow:
        return await uow.driver.fetchval("SELECT count(*) FROM note")


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/hot-notes"])
async def test_fifty_parallel_posts_with_one_key_have_one_effect_and_one_answer(service, path):
    answers = await asyncio.gather(*(service.client.post(path, json=BODY, headers={"Idempotency-Key": "one"}) for _ in range(50)))
    done = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(refused) == 50
    assert len({(answer.content, answer.headers.get("etag"), answer.headers.get("location")) for answer in done}) == 1
    assert all(answer.json()["code"] == "request_in_flight" and answer.headers["Retry-After"] == "1" for answer in refused)
    later = await service.client.post(path, json=BODY, headers={"Idempotency-Key": "one"})
    assert (later.status_code, later.content) == (201, done[0].content)
    assert await count_notes(service) == 1


async def test_a_second_request_is_refused_while_the_first_is_open_and_a_killed_first_leaves_no_trace(service):
    headers = {"Idempotency-Key": "killed"}
    blocker = await asyncpg.connect(service.url)
    blocking = blocker.transaction()
    await blocking.start()
    await blocker.execute("LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
    first = asyncio.create_task(service.client.post("/v1/notes", json=BODY, headers=headers))

    async def blocked_backend() -> int | None:
        async with service.database.transaction(readonly=True) as uow:
            waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            return await uow.driver.fetchval(waiting)

    pid = await eventually(blocked_backend)

    second = await service.client.post("/v1/notes", json=BODY, headers=headers)
    assert (second.status_code, second.json()["code"]) == (409, "request_in_flight")

    await blocker.execute("SELECT pg_terminate_backend($1)", pid)
    assert (await first).status_code == 503
    await blocking.rollback()
    await blocker.close()
    assert (await service.client.post("/v1/notes", json=BODY, headers=headers)).status_code == 201
    assert await count_notes(service) == 1


async def test_another_body_under_the_same_key_is_refused(service):
    await service.client.post("/v1/notes", json=BODY, headers={"Idempotency-Key": "k"})
    other = await service.client.post("/v1/notes", json={**BODY, "amount": 6}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/hot-notes"])
async def test_another_spelling_of_the_same_body_is_the_same_request(service, path):
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    first = await service.client.post(path, json=BODY, headers=headers)
    spelled = rb' { "amount" :5, "name": "L\u0069 Wei" }'
    again = await service.client.post(path, content=spelled, headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    other = await service.client.post(path, content=spelled.replace(b"5", b"6"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await count_notes(service) == 1


async def test_a_key_belongs_to_one_caller_and_one_operation(service):
    headers = {"Idempotency-Key": "k"}
    await service.client.post("/v1/notes", json=BODY, headers=headers)
    other_caller = await service.client.post("/v1/notes", json=BODY, headers={**headers, "Authorization": "Bearer rm-b"})
    other_operation = await service.client.post("/v1/hot-notes", json=BODY, headers=headers)
    assert (other_caller.status_code, other_operation.status_code) == (201, 201)
    assert await count_notes(service) == 3


@pytest.mark.parametrize("key", [None, "", "x" * 256, "caf\xe9"])
async def test_a_post_needs_a_usable_key(service, key):
    headers = {} if key is None else {"Idempotency-Key": key.encode("latin-1")}
    answer = await service.client.post("/v1/notes", json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


async def test_the_stored_answer_is_unreadable_and_purged_in_time(service):
    await service.client.post("/v1/notes", json={**BODY, "name": "Zhang Sealed"}, headers={"Idempotency-Key": "k"})
    async with service.database.transaction() as uow:
        row = await uow.driver.fetchrow("SELECT * FROM idempotency_answer")
        assert b"Sealed" not in b"".join(value for value in row.values() if isinstance(value, bytes))
        assert await purge(uow, datetime.now(UTC) - timedelta(hours=24)) == 0
        assert await purge(uow, datetime.now(UTC) + timedelta(seconds=1)) == 1
        await uow.commit()
    await service.client.post("/v1/notes", json=BODY, headers={"Idempotency-Key": "k"})
    assert await count_notes(service) == 2
