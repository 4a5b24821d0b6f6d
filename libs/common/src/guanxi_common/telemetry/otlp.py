"""Where spans go: the JSON encoding of OTLP, as lines of a file or by HTTP to a collector.

A line of the file is one `ExportTraceServiceRequest`, the format that the OpenTelemetry Collector's `otlpjsonfile` receiver reads.
Source: OpenTelemetry Protocol 1.5, "JSON Protobuf Encoding" and "File Exporter".
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanContext, StatusCode

from guanxi_common.private_files import SharedRotatingFile
from guanxi_common.telemetry.scrubbing import scrub_text

TIMEOUT_SECONDS: Final = 5.0
FILE_BYTES: Final = 64 * 1024 * 1024
OLDER_FILES: Final = 3
# A query may hold what a caller should not have put there, and an exception's text may quote a row.
_DROPPED: Final = frozenset(
    {"url.query", "url.full", "http.url", "http.target", "exception.message", "exception.stacktrace", "user_agent.original"}
)
_STATUS: Final = {StatusCode.UNSET: 0, StatusCode.OK: 1, StatusCode.ERROR: 2}
_encode = msgspec.json.Encoder().encode


def encode_spans(spans: Sequence[ReadableSpan]) -> bytes:
    """The spans, all of one process, as one request in one line."""
    resource = {"attributes": _attributes(spans[0].resource.attributes)} if spans else {}
    scopes = [{"scope": {"name": "guanxi"}, "spans": [_span(span) for span in spans]}]
    return _encode({"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]})


class FileSpanExporter(SpanExporter):
    """Appends a line per batch to a file that processes share: at most `FILE_BYTES`, with `OLDER_FILES` before it, mode 600."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be opened."""
        self._file = SharedRotatingFile(path, max_bytes=FILE_BYTES, older_files=OLDER_FILES)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            self._file.append(encode_spans(spans) + b"\n")
        except (OSError, msgspec.MsgspecError, TypeError, ValueError):
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._file.close()


class HttpSpanExporter(SpanExporter):
    """Posts batches to a collector's `/v1/traces`. A batch that it does not take is lost; the spans are not the bank's books."""

    def __init__(self, endpoint: str) -> None:
        self._url = endpoint.rstrip("/") + "/v1/traces"
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, headers={"Content-Type": "application/json"})

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            answer = self._client.post(self._url, content=encode_spans(spans))
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError, TypeError, ValueError):
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS if answer.is_success else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._client.close()


def _span(span: ReadableSpan) -> dict[str, Any]:
    parent = {"parentSpanId": f"{span.parent.span_id:016x}"} if span.parent else {}
    return {
        **_ids(span.get_span_context()),
        **parent,
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or 0),
        "attributes": _attributes(span.attributes),
        "events": [_event(event) for event in span.events],
        "links": [_link(link) for link in span.links],
        "status": {"code": _STATUS[span.status.status_code]},
    }


def _ids(context: SpanContext | None) -> dict[str, str]:
    return {"traceId": f"{context.trace_id:032x}", "spanId": f"{context.span_id:016x}"} if context else {}


def _event(event: Event) -> dict[str, Any]:
    return {"timeUnixNano": str(event.timestamp), "name": event.name, "attributes": _attributes(event.attributes)}


def _link(link: Link) -> dict[str, Any]:
    return {**_ids(link.context), "attributes": _attributes(link.attributes)}


def _attributes(attributes: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    kept = (attributes or {}).items()
    return [{"key": name, "value": _value(value)} for name, value in kept if name not in _DROPPED]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": scrub_text(str(value))}
