"""The application around the slices: health, metrics, documents that need no internet."""

import re
from types import SimpleNamespace

import pytest
from guanxi_common.http.openapi import operations
from guanxi_common.parts import Part, PartProblem
from guanxi_testing.eventually import eventually
from guanxi_testing.openapi import undocumented

pytestmark = pytest.mark.anyio


async def test_live_and_ready(service):
    assert (await service.client.get("/livez")).json() == {"status": "ok"}
    assert (await service.client.get("/readyz")).json() == {"status": "ready"}


async def test_not_ready_without_the_schema_or_the_database(service):
    object.__setattr__(service.app.state.edge.parts, "needed_revision", "20990101_0000")
    behind = await service.client.get("/readyz")
    assert (behind.status_code, behind.headers["retry-after"]) == (503, "5")
    assert (await service.client.get("/livez")).status_code == 200


async def test_behind_is_told_with_both_revisions_and_a_later_schema_serves(service):
    async with service.database.transaction() as uow:
        await uow.driver.execute(
            "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('20260101_0000')"
        )
        await uow.commit()
    parts = service.app.state.edge.parts
    for needed, status in (("20251231_0000", 200), ("20260101_0000", 200), ("20260101_0001", 503)):
        object.__setattr__(parts, "needed_revision", needed)
        answer = await service.client.get("/readyz")
        assert answer.status_code == status
    assert "at revision 20260101_0000, this code needs 20260101_0001" in answer.json()["detail"]


async def test_not_ready_before_the_key_store_answered_or_while_a_master_key_is_missing(service):
    parts = service.app.state.edge.parts
    for missing, status in ((None, 503), (("2024", "2025"), 503), ((), 200)):
        object.__setattr__(parts, "key_watch", SimpleNamespace(missing=missing))
        answer = await service.client.get("/readyz")
        assert answer.status_code == status
        if missing:
            assert "2024, 2025" in answer.json()["detail"]


async def test_d20_not_ready_before_the_erasures_have_been_played_again(service):
    parts = service.app.state.edge.parts
    for played, status in ((False, 503), (True, 200)):
        object.__setattr__(parts, "erasure_watch", SimpleNamespace(played=played))
        assert (await service.client.get("/readyz")).status_code == status


async def test_d18_health_names_the_parts_of_the_process_whatever_their_state(service):
    async def fail(part, stop):
        raise PartProblem("away")

    part = Part("database", fail)
    object.__setattr__(service.app.state.edge.parts, "background", (part,))

    async def failed():
        return part.failures > 0

    async with service.app.router.lifespan_context(service.app):
        await eventually(failed)
        answer = await service.client.get("/healthz")
        assert (await service.client.get("/livez")).status_code == (await service.client.get("/readyz")).status_code == 200
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert [(shown["name"], shown["last_error"]) for shown in answer.json()["parts"]] == [("database", "PartProblem: away")]


async def test_requests_are_counted_by_route(service):
    await service.client.get("/v1/notes/12345")
    metrics = (await service.client.get("/metrics")).text
    assert 'guanxi_http_request_seconds_count{method="GET",route="/v1/notes/{note_id}",status="404"}' in metrics
    assert "12345" not in metrics


async def test_the_documents_load_nothing_from_elsewhere(service):
    for path in ("/docs", "/redoc"):
        page = (await service.client.get(path)).text
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert loaded
        assert all(url.startswith("/") for url in loaded), loaded
        for url in loaded:
            assert (await service.client.get(url)).status_code == 200


async def test_the_openapi_document_has_the_common_parts_on_both_kinds_of_routes(service):
    document = (await service.client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    described = {operation["operationId"]: operation for _, _, operation in operations(document)}
    for name in ("writeNote", "writeHotNote"):
        operation = described[name]
        assert operation["security"] == [{"bearer": []}]
        assert operation["x-permission"] == "note.write"
        assert {"401", "403", "413", "415", "422", "429", "500", "503"} <= set(operation["responses"])
        assert {"$ref": "#/components/parameters/IdempotencyKey"} in operation["parameters"]
    assert {"$ref": "#/components/parameters/IfMatch"} in described["changeNote"]["parameters"]
    assert {"$ref": "#/components/parameters/IdempotencyKey"} not in described["searchNotes"]["parameters"]
    assert described["openNotes"]["security"] == []
    assert "HTTPValidationError" not in document["components"]["schemas"]


DOCUMENTS = ["/livez", "/readyz", "/metrics", "/problems", "/problems/not_found", "/docs", "/redoc", "/openapi.json"]
PERSONAL = ["/v1/notes", "/v1/notes/1", "/v1/notes/99", "/v1/hot-notes/1", "/v1/hot-notes/99", "/v1/nothing"]


@pytest.mark.parametrize("path", [*DOCUMENTS, *PERSONAL])
async def test_a_head_is_its_get_without_the_body(service, path):
    await service.client.post("/v1/notes", json={"name": "Li Wei", "amount": 5}, headers={"Idempotency-Key": "k"})
    headers = {"X-Request-ID": "same"}
    got, head = [await service.client.request(method, path, headers=headers) for method in ("GET", "HEAD")]
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert got.content
    changing = {"content-length"} if path == "/metrics" else set()
    assert {name: value for name, value in head.headers.items() if name not in changing} == {
        name: value for name, value in got.headers.items() if name not in changing
    }


async def test_a_head_leaves_the_audit_entry_of_its_get(service):
    await service.client.post("/v1/notes", json={"name": "Li Wei", "amount": 5}, headers={"Idempotency-Key": "k"})
    for method in ("GET", "HEAD"):
        assert (await service.client.request(method, "/v1/hot-notes/1")).status_code == 200
    async with service.database.transaction(readonly=True) as uow:
        logged = await uow.driver.fetch("SELECT actor, action, subject_id FROM audit_entry WHERE action = 'readHotNote'")
    assert len(logged) == 2
    assert logged[0] == logged[1]
    refused = await service.client.head("/v1/hot-notes/1", headers={"Authorization": "Bearer teller"})
    assert (refused.status_code, refused.content) == (403, b"")


async def test_what_may_be_got_may_be_asked_for_by_head(service):
    answer = await service.client.delete("/v1/notes/1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert (await service.client.head("/v1/notes:judge")).status_code == 405


async def test_no_answer_is_guessed_at_and_none_with_personal_data_is_stored(service):
    key = {"Idempotency-Key": "k"}
    written = [await service.client.post("/v1/notes", json={"name": "Li Wei", "amount": 5}, headers=key) for _ in range(2)]
    read = [await service.client.get(path) for path in PERSONAL]
    refused = [
        await service.client.get("/v1/notes", headers={"Authorization": ""}),
        await service.client.post("/v1/notes", content=b"{"),
        await service.client.get("/v1/notes?cursor=%00"),
        await service.client.get("/v1/notes-open"),
        await service.client.get("/v1/notes/1", headers={"If-None-Match": '"1"'}),
    ]
    assert [answer.status_code for answer in refused] == [401, 415, 422, 500, 304]
    for answer in (*written, *read, *refused):
        assert answer.headers["cache-control"] == "no-store"
    for answer in (*written, *read, *refused, *[await service.client.get(path) for path in DOCUMENTS]):
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_no_page_of_another_origin_frames_runs_or_reads_an_answer(service):
    """And no answer sets a cookie, which a browser would add to a request that another origin's page makes."""
    origin = {"Origin": "https://elsewhere.example"}
    preflight = await service.client.options("/v1/notes", headers={**origin, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 405
    answers = [await service.client.get(path, headers=origin) for path in (*DOCUMENTS, *PERSONAL)]
    for answer in (preflight, *answers):
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy)
        assert policy[0] == ("default-src 'self'" if answer.url.path in ("/docs", "/redoc") else "default-src 'none'")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert not [name for name in answer.headers if name == "set-cookie" or name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/v1/notes/", "/v1/notes/1/", "/docs/", "/static-offline-docs/", "/.git/config"])
async def test_an_address_that_is_not_there_leads_nowhere_else(service, path):
    """No redirect, whose first request has sent its token already, and no list of files."""
    answer = await service.client.get(path, headers={"Host": "elsewhere.example"})
    assert answer.status_code in (404, 405)
    assert "location" not in answer.headers
    assert "elsewhere.example" not in answer.text


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "PROPFIND"])
async def test_a_method_that_no_operation_has_is_refused(service, method):
    answer = await service.client.request(method, "/v1/notes", headers={"X-Probe": "echoed"})
    assert answer.status_code == 405
    assert "echoed" not in answer.text


async def test_an_answer_names_its_type_and_no_program(service):
    for path in (*DOCUMENTS, *PERSONAL):
        answer = await service.client.get(path)
        kind = answer.headers["content-type"]
        assert kind.startswith(("application/json", "application/problem+json")) or "charset=utf-8" in kind
        assert "server" not in answer.headers
        assert "x-powered-by" not in answer.headers
    assert service.app.debug is False


async def test_an_operation_without_an_example_is_found(service):
    gaps = undocumented(service.app.openapi())
    assert "POST /v1/notes: no example of the answer" in gaps
    assert not [gap for gap in gaps if "hot-notes" in gap]
