"""Traces: a `traceparent` in gives one out, spans reach their file whole, and nothing personal goes with them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from guanxi_common.context import CallContext, current_context, reset_context, set_context
from guanxi_common.telemetry.otlp import FileSpanExporter, HttpSpanExporter, encode_spans
from guanxi_common.telemetry.traces import configure_tracing, continue_trace, current_traceparent, span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
INCOMING = f"00-{TRACE}-{PARENT}-01"

PROGRAM = f"""
import sys
from pathlib import Path
from time import time_ns
from guanxi_common.context import CallContext, current_context, set_context
from guanxi_common.telemetry.traces import configure_tracing, continue_trace, current_traceparent, record_spans, span

configure_tracing("scoring-svc", "worker", trace_file=Path(sys.argv[1]), sampled_share=float(sys.argv[2]))
set_context(CallContext(traceparent="{INCOMING}"))
with span("outer", customer_id="c1", count=2, phone="13800138000"):
    assert current_context().traceparent == current_traceparent() != "{INCOMING}"
    try:
        with span("inner"):
            raise LookupError("of 13900139000")
    except LookupError:
        pass
assert current_context().traceparent == "{INCOMING}"
with continue_trace(None, "fresh"):
    pass
with continue_trace("{INCOMING}", "consumed"):
    pass
record_spans("batch", ["{INCOMING}", "{INCOMING}", None, "nonsense"], began_ns=time_ns() - 1000, events=2)
"""

HTTP_PROGRAM = f"""
import sys
from pathlib import Path
from fastapi import FastAPI
from fastapi.testclient import TestClient
from guanxi_common.context import current_context
from guanxi_common.http.middleware import ContextMiddleware
from guanxi_common.telemetry import TelemetrySettings, configure
from guanxi_common.telemetry.traces import current_traceparent, span

configure("customer-svc", "api", TelemetrySettings(trace_file=Path(sys.argv[1])))
app = FastAPI(telemetry={{"logs": False, "operation_spans": False, "metrics": False}})
app.add_middleware(ContextMiddleware)

@app.get("/v1/things/{{thing}}")
async def read(thing: str) -> str:
    with span("repository.read"):
        assert current_context().traceparent == current_traceparent()
        return current_traceparent()

headers = {{"traceparent": "{INCOMING}", "X-Request-ID": "r1", "User-Agent": "wang@example.com"}}
answer = TestClient(app).get("/v1/things/1?q=wang@example.com", headers=headers)
assert answer.json().startswith("00-{TRACE}-"), answer.text
"""


def spans_in(path: Path) -> list[dict[str, Any]]:
    requests = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        {**span, "resource": resource["resource"], "attributes": {a["key"]: a["value"] for a in span["attributes"]}}
        for request in requests
        for resource in request["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def run(*arguments: str, program: str = PROGRAM) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_trace_is_continued_and_its_spans_are_linked(tmp_path: Path) -> None:
    file = tmp_path / "traces" / "spans.jsonl"
    run(str(file), "1")
    spans = {span["name"]: span for span in spans_in(file)}
    assert set(spans) == {"outer", "inner", "fresh", "consumed", "batch"}
    assert {name for name, span in spans.items() if span["traceId"] == TRACE} == {"outer", "inner", "consumed", "batch"}
    assert [spans[name]["parentSpanId"] for name in ("outer", "consumed", "batch")] == [PARENT] * 3
    assert spans["inner"]["parentSpanId"] == spans["outer"]["spanId"]
    assert "parentSpanId" not in spans["fresh"]
    assert int(spans["batch"]["endTimeUnixNano"]) - int(spans["batch"]["startTimeUnixNano"]) >= 1000


def test_a_request_is_traced_and_logged_under_the_callers_trace(tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    logged = [json.loads(line) for line in run(str(file), program=HTTP_PROGRAM).splitlines()]
    spans = {span["name"]: span for span in spans_in(file)}
    server, inner = spans["GET /v1/things/{thing}"], spans["repository.read"]
    assert (server["traceId"], server["parentSpanId"]) == (TRACE, PARENT)
    assert (inner["traceId"], inner["parentSpanId"]) == (TRACE, server["spanId"])
    assert "wang" not in file.read_text("utf-8")
    [line] = [line for line in logged if line["logger"] == "guanxi.access"]
    assert (line["request_id"], line["trace_id"], line["status"]) == ("r1", TRACE, 200)


def test_a_failed_span_says_so_without_the_exceptions_text(tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    run(str(file), "1")
    spans = {span["name"]: span for span in spans_in(file)}
    assert spans["inner"]["status"] == {"code": 2}
    assert spans["inner"]["attributes"] == {"error.type": {"stringValue": "LookupError"}}
    assert spans["outer"]["attributes"]["count"] == {"intValue": "2"}
    assert "13900139000" not in file.read_text("utf-8")
    assert "13800138000" not in file.read_text("utf-8")


def test_processes_share_a_file_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(file), "1"]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert len(spans_in(file)) == 15


def test_sampling_spares_new_traces_and_keeps_the_callers(tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    run(str(file), "0")
    assert {span["name"] for span in spans_in(file)} == {"outer", "inner", "consumed", "batch"}


def test_without_a_destination_what_came_in_goes_on() -> None:
    assert configure_tracing("customer-svc", "api") is None
    token = set_context(CallContext(request_id="r1", traceparent=INCOMING))
    try:
        with span("outer"):
            assert current_traceparent() == INCOMING
            assert current_context() == CallContext(request_id="r1", traceparent=INCOMING)
    finally:
        reset_context(token)


@pytest.mark.parametrize(
    "header", [None, "", "00-0-0-01", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", INCOMING.upper()]
)
def test_a_malformed_header_starts_a_new_trace(header: str | None) -> None:
    with continue_trace(header, "consumed"):
        assert current_traceparent() is None


def test_a_file_that_cannot_be_opened_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert configure_tracing("customer-svc", "api", trace_file=tmp_path / "file" / "spans.jsonl") is None


def one_span() -> list[ReadableSpan]:
    provider = TracerProvider(resource=Resource({"service.name": "t"}), shutdown_on_exit=False)
    started = provider.get_tracer("t").start_span("GET /v1/customers", attributes={"url.query": "name=wang", "http.route": "/v1"})
    started.record_exception(LookupError("wang@example.com"))
    started.end()
    assert isinstance(started, ReadableSpan)
    return [started]


def test_queries_and_exception_texts_stay_behind() -> None:
    text = encode_spans(one_span()).decode()
    assert "http.route" in text
    assert "exception.type" in text
    assert "wang" not in text


class Collector(BaseHTTPRequestHandler):
    received: list[tuple[str, dict[str, Any]]]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, json.loads(body)))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """Say nothing on stderr."""


@pytest.fixture
def collector() -> Iterator[tuple[type[Collector], str]]:
    handler = type("Handler", (Collector,), {"received": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_collector_gets_the_spans(collector: tuple[type[Collector], str]) -> None:
    handler, url = collector
    exporter = HttpSpanExporter(url + "/")
    assert exporter.export(one_span()) is SpanExportResult.SUCCESS
    handler.status = 503
    assert exporter.export(one_span()) is SpanExportResult.FAILURE
    exporter.shutdown()
    assert [path for path, _ in handler.received] == ["/v1/traces"] * 2
    assert handler.received[0][1]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == "GET /v1/customers"


def test_exporters_fail_quietly(tmp_path: Path) -> None:
    away = HttpSpanExporter("http://127.0.0.1:9")
    assert away.export(one_span()) is SpanExportResult.FAILURE
    away.shutdown()
    closed = FileSpanExporter(tmp_path / "spans.jsonl")
    closed.shutdown()
    closed.shutdown()
    assert closed.export(one_span()) is SpanExportResult.FAILURE
