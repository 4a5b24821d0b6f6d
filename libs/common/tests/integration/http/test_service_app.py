"""The application around the slices: health, metrics, documents that need no internet."""

import re

import pytest
from guanxi_common.http.openapi import operations
from guanxi_common.testing.openapi import undocumented

pytestmark = pytest.mark.anyio


async def test_live_and_ready(service):
    assert (await service.client.get("/livez")).json() == {"status": "ok"}
    assert (await service.client.get("/readyz")).json() == {"status": "ready"}


async def test_not_ready_without_the_schema_or_the_database(service):
    object.__setattr__(service.app.state.edge.parts, "needed_revision", "20990101_0000")
    behind = await service.client.get("/readyz")
    assert (behind.status_code, behind.headers["retry-after"]) == (503, "5")
    assert (await service.client.get("/livez")).status_code == 200


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


async def test_an_operation_without_an_example_is_found(service):
    gaps = undocumented(service.app.openapi())
    assert "POST /v1/notes: no example of the answer" in gaps
    assert not [gap for gap in gaps if "hot-notes" in gap]
