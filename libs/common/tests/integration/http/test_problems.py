"""Problem documents: in the reader's language, without the input, for everything that can go wrong."""

import pytest
import structlog

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("accept", "language", "title"),
    [
        (None, "en", "Not found"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh", "未找到"),
        ("en-GB, zh;q=0.5", "en", "Not found"),
        ("fr, zh;q=0.2", "zh", "未找到"),
        ("zh;q=0", "en", "Not found"),
        ("zh;q=rubbish", "en", "Not found"),
        ("*", "en", "Not found"),
    ],
)
async def test_the_language_follows_accept_language(service, accept, language, title):
    answer = await service.client.get("/v1/notes/1", headers={"Accept-Language": accept} if accept else {})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == language
    assert answer.json() == {
        "type": "/problems/not_found",
        "title": title,
        "status": 404,
        "code": "not_found",
        "request_id": answer.headers["x-request-id"],
    }


async def test_an_unknown_path_or_method_is_a_problem_too(service):
    unknown = await service.client.get("/v1/nowhere")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    method = await service.client.delete("/v1/notes/1")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert method.headers["allow"]
    hot = await service.client.get("/v1/hot-notes")
    assert (hot.status_code, hot.json()["code"], hot.headers["allow"]) == (405, "method_not_allowed", "POST")


async def test_a_fault_is_500_and_neither_answer_nor_log_repeat_its_text(service):
    with structlog.testing.capture_logs() as logs:
        answer = await service.client.get("/v1/notes-open")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "110101199003077758" not in answer.text + repr(logs)
    failed = next(entry for entry in logs if entry["event"] == "request_failed")
    assert failed["error"] == "builtins.ValueError"
    assert "open_notes" in failed["frames"][-1]


async def test_the_access_log_holds_no_path_and_no_query(service):
    with structlog.testing.capture_logs() as logs:
        await service.client.get("/v1/notes?name=Li-Wei")
        await service.client.get("/v1/unknown/13800138000")
    assert [entry["route"] for entry in logs if entry["event"] == "request"] == ["/v1/notes", "unmatched"]
    assert "Li-Wei" not in repr(logs)
    assert "13800138000" not in repr(logs)


async def test_each_request_is_logged_with_its_caller_whether_it_was_let_in_or_not(service):
    with structlog.testing.capture_logs() as logs:
        for authorization in ("", "Bearer bad", "Bearer teller", "Bearer rm-a"):
            await service.client.get("/v1/notes", headers={"Authorization": authorization})
    found = [(entry["status"], entry["actor"].partition(":")[0]) for entry in logs if entry["event"] == "request"]
    assert found == [(401, "client"), (401, "client"), (403, "staff"), (200, "staff")]
    assert [entry["actor"] for entry in logs if entry["event"] == "request"][:2] == ["client:anonymous"] * 2
    assert "bearer" not in repr(logs).lower()


async def test_errors_point_into_the_body(service):
    body = {"name": ["x"], "amount": "5", "role": "manager"}
    answer = await service.client.post("/v1/notes", json=body, headers={"Idempotency-Key": "k", "Accept-Language": "zh"})
    found = {(error["in"], error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert found == {("body", "/name", "string_type"), ("body", "/amount", "int_type"), ("body", "/role", "extra_forbidden")}
    assert {"此处不接受该字段。", "该值不符合要求。"} == {error["detail"] for error in answer.json()["errors"]}
