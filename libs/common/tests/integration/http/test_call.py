"""The life of a call: who is let in, when the transaction commits, which version may be changed."""

import asyncio
import os
import signal

import asyncpg
import pytest
from guanxi_common.errors import DomainError
from guanxi_common.http.problems import as_domain_error
from guanxi_testing.eventually import eventually
from sqlalchemy import text

pytestmark = pytest.mark.anyio

BODY = {"name": "Li Wei", "amount": 5}


async def run(service, sql: str):
    return await service.client.post("/v1/notes:run", json={"sql": sql})


async def write_note(service, name: str = "Li Wei") -> int:
    answer = await service.client.post("/v1/notes", json={**BODY, "name": name}, headers={"Idempotency-Key": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_a_read_gives_an_etag_and_answers_304_to_who_has_it(service):
    note_id = await write_note(service)
    first = await service.client.get(f"/v1/notes/{note_id}")
    assert (first.status_code, first.headers["etag"]) == (200, '"1"')
    again = await service.client.get(f"/v1/notes/{note_id}", headers={"If-None-Match": 'W/"1"'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", '"1"')


@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        (None, 428, "precondition_required"),
        ('"7"', 412, "stale_version"),
        ('W/"1"', 412, "stale_version"),
        ("rubbish", 412, "stale_version"),
    ],
)
async def test_a_change_needs_the_present_version(service, if_match, status, code):
    note_id = await write_note(service)
    headers = {} if if_match is None else {"If-Match": if_match}
    answer = await service.client.patch(f"/v1/notes/{note_id}", json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_change_of_the_present_version_raises_it(service):
    note_id = await write_note(service)
    first = await service.client.patch(f"/v1/notes/{note_id}", json=BODY, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    stale = await service.client.patch(f"/v1/notes/{note_id}", json=BODY, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')


async def test_a_merge_patch_is_taken_on_patch(service):
    note_id = await write_note(service)
    headers = {"If-Match": "*", "Content-Type": "application/merge-patch+json"}
    answer = await service.client.patch(f"/v1/notes/{note_id}", content=b'{"name":"x","amount":1}', headers=headers)
    assert answer.status_code == 200


async def test_a_failed_commit_is_never_answered_with_success(service):
    await run(service, "CREATE TABLE child (note_id bigint REFERENCES note DEFERRABLE INITIALLY DEFERRED)")
    answer = await run(service, "INSERT INTO child VALUES (99)")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    async with service.database.transaction(readonly=True) as uow:
        assert await uow.driver.fetchval("SELECT count(*) FROM child") == 0


async def test_a_lost_connection_is_answered_with_unavailable(service):
    answer = await run(service, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert await write_note(service) == 1


async def test_a_connection_ended_between_two_statements_is_an_outage_and_no_fault_of_ours():
    error = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    assert as_domain_error(error).status == 503
    assert as_domain_error(RuntimeError("of ours")).status == 500


async def test_connections_that_the_server_has_closed_are_replaced_unseen(service):
    await asyncio.gather(*(service.client.get("/v1/notes") for _ in range(20)))
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert (await run(service, others)).status_code == 204
    answers = await asyncio.gather(*(service.client.get("/v1/notes") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELECT 9223372036854775807::bigint + 1", 422, "invalid_input"),
        ("SELECT 'x'::uuid", 422, "invalid_input"),
        ("INSERT INTO note OVERRIDING SYSTEM VALUE VALUES (1, 'a', 1), (1, 'b', 1)", 409, "conflict"),
        ("SET LOCAL statement_timeout = 20; SELECT pg_sleep(60)", 503, "unavailable"),
        ("SELECT no_such_column", 500, "internal_error"),
    ],
)
async def test_what_the_database_refuses_is_a_problem_without_its_text(service, sql, status, code):
    answer = await run(service, sql)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"type", "title", "status", "code", "request_id"}


async def test_a_write_block_without_reply_is_rolled_back_and_is_a_fault(service):
    assert (await service.client.post("/v1/notes:forget")).status_code == 500
    async with service.database.transaction(readonly=True) as uow:
        assert await uow.driver.fetchval("SELECT count(*) FROM note") == 0


async def test_7_9_a_write_without_an_audit_entry_is_rolled_back(service):
    assert (await service.client.post("/v1/notes:unlogged")).status_code == 500
    async with service.database.transaction(readonly=True) as uow:
        assert await uow.driver.fetchval("SELECT count(*) FROM note") == 0


async def test_a_request_over_its_time_is_given_up_and_its_statement_ends(start):
    async with start(request_timeout=0.3) as service:
        answer = await run(service, "SELECT pg_sleep(60)")
        assert (answer.status_code, answer.json()["code"]) == (503, "timed_out")

        async def nobody_sleeps() -> bool:
            async with service.database.transaction(readonly=True) as uow:
                busy = (
                    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> $1"
                )
                return not await uow.driver.fetchval(busy, uow.driver.get_server_pid())

        await eventually(nobody_sleeps, timeout=3)


async def test_d18_a_request_given_up_in_begin_spoils_no_later_one(start):
    """Seen: a write answered "read-only", and a read whose audit entry was rolled back after its answer."""
    async with start(request_timeout=0.5) as service:
        note_id = await write_note(service)
        async with service.database.statement() as uow:
            pid = uow.driver.get_server_pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            given_up = await service.client.get(f"/v1/notes/{note_id}")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert (given_up.status_code, given_up.json()["code"]) == (503, "timed_out")
        outsider = await asyncpg.connect(service.url)
        for number in range(1, 4):
            assert await write_note(service, f"after {number}")
            assert (await service.client.get(f"/v1/hot-notes/{note_id}")).status_code == 200
            logged = await outsider.fetchval("SELECT count(*) FROM audit_entry WHERE action = 'readHotNote'")
            assert logged == number
        await outsider.close()


@pytest.mark.parametrize("header", [None, "Basic cm06", "Bearer", "Bearer bad", "bad"])
@pytest.mark.parametrize("path", ["/v1/notes", "/v1/hot-notes"])
async def test_without_a_valid_token_it_is_401_whatever_the_body(service, header, path):
    headers = {"Authorization": header} if header else {"Authorization": ""}
    answer = await service.client.post(path, content=b"[" * 300_000, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/hot-notes"])
async def test_without_the_permission_it_is_403_whatever_the_body(service, path):
    answer = await service.client.post(path, content=b"no json", headers={"Authorization": "Bearer teller"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    async with service.database.transaction(readonly=True) as uow:
        logged = await uow.driver.fetchrow("SELECT * FROM audit_entry")
    assert (logged["subject_type"], logged["subject_id"]) == ("denied_permission", "note.write")
    assert logged["request_id"] == answer.headers["x-request-id"]


async def test_over_the_rate_it_is_429_for_that_caller_and_class_only(start):
    rates = {"standard": "100/minute", "search": "2/minute", "reveal": "1/minute", "bulk": "1/minute"}
    async with start(rates=rates) as service:
        statuses = [(await service.client.post("/v1/notes:search")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = await service.client.post("/v1/notes:search")
        assert 0 < int(refused.headers["Retry-After"]) <= 30
        other = await service.client.post("/v1/notes:search", headers={"Authorization": "Bearer rm-b"})
        assert other.status_code == 200
        assert (await service.client.get("/v1/notes")).status_code == 200


async def test_the_context_knows_caller_request_and_trace(service):
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"X-Request-ID": "req-1", "traceparent": traceparent, "Access-Purpose": "complaint", "X-User": "admin"}
    answer = await service.client.get("/v1/context", headers=headers)
    told = answer.json()
    assert answer.headers["x-request-id"] == told["request_id"] == "req-1"
    assert told["actor"].startswith("staff:")
    assert told["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert told["purpose"] == "complaint"


async def test_an_unusable_request_id_or_purpose_is_not_taken(service):
    answer = await service.client.get("/v1/context", headers={"X-Request-ID": "a b", "Access-Purpose": "gossip"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0] | {"detail": ""} == {
        "in": "header",
        "pointer": "/access-purpose",
        "code": "enum",
        "detail": "",
    }
    assert answer.headers["x-request-id"] == answer.json()["request_id"] != "a b"


async def test_every_problem_has_a_page(service):
    page = await service.client.get("/problems")
    assert all(kind.code in page.text for kind in DomainError.__subclasses__())
    assert (await service.client.get("/problems/stale_version")).status_code == 200
    assert (await service.client.get("/problems/nonsense")).status_code == 404


async def test_a_read_of_one_statement_keeps_its_effect_and_survives_lost_connections_and_cancellation(service):
    async with service.database.statement() as uow:
        await uow.driver.execute("INSERT INTO note (name) VALUES ('kept')")
    async with service.database.statement() as uow:
        assert await uow.driver.fetchval("SELECT count(*) FROM note") == 1
        with pytest.raises(RuntimeError):
            await uow.execute(text("SELECT 1"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), service.database.statement() as uow:
            await uow.driver.execute("SELECT pg_sleep(60)")
    with pytest.raises(asyncpg.PostgresError):
        async with service.database.statement() as uow:
            await uow.driver.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    for _ in range(3):
        async with service.database.statement() as uow:
            assert await uow.driver.fetchval("SELECT 1") == 1
