"""Spans, and the W3C `traceparent` that carries a trace through HTTP, the outbox and the bus.

Inside a `span` the call context's `traceparent` is that span's, so an event appended there names it as its cause. Without a
configured destination nothing is recorded, and the `traceparent` that came in is passed on as it is.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import Final

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags

from guanxi_common.context import current_context, reset_context, set_context
from guanxi_common.telemetry.otlp import FileSpanExporter, HttpSpanExporter

AttributeValue = str | bool | int | float

MAX_TRACES_PER_BATCH: Final = 100
_EXPORT_DELAY_MS: Final = 200
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

log = structlog.get_logger(__name__)


def configure_tracing(
    service: str,
    process: str,
    *,
    trace_file: Path | None = None,
    otlp_endpoint: str | None = None,
    sampled_share: float = 1.0,
) -> TracerProvider | None:
    """Make the process's tracer provider, or None where there is no destination or the file cannot be opened (logged).

    Spans leave within 200 ms, and at exit. `sampled_share` is of traces that start here; one that came in keeps its own flag.
    """
    exporter = _exporter(trace_file, otlp_endpoint)
    if exporter is None:
        return None
    provider = TracerProvider(
        resource=Resource({"service.name": service, "service.namespace": "guanxi", "process.kind": process}),
        sampler=ParentBased(TraceIdRatioBased(sampled_share)),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EXPORT_DELAY_MS))
    trace.set_tracer_provider(provider)
    return provider


def _exporter(trace_file: Path | None, otlp_endpoint: str | None) -> SpanExporter | None:
    if otlp_endpoint:
        return HttpSpanExporter(otlp_endpoint)
    if trace_file is None:
        return None
    try:
        return FileSpanExporter(trace_file)
    except OSError as error:
        log.error("trace_file_not_opened", path=str(trace_file), errno=error.errno)
        return None


@contextmanager
def span(name: str, **attributes: AttributeValue) -> Iterator[Span]:
    """A span around the block, child of the call's present one. An exception marks it and goes on.

    `name` and attributes are constants, ids and counts, never personal data.
    """
    parent = trace.get_current_span().get_span_context()
    context = None if parent.is_valid else _parent_context(current_context().traceparent)
    with _entered(name, context, SpanKind.INTERNAL, attributes) as entered:
        yield entered


@contextmanager
def continue_trace(traceparent: str | None, name: str, **attributes: AttributeValue) -> Iterator[Span]:
    """A span around the block in the trace that `traceparent` names; a new trace where it is absent or malformed."""
    with _entered(name, _parent_context(traceparent) or Context(), SpanKind.CONSUMER, attributes) as entered:
        yield entered


def record_spans(name: str, traceparents: Iterable[str | None], *, began_ns: int, **attributes: AttributeValue) -> None:
    """One finished span, from `began_ns` (`time.time_ns()`) until now, in each trace of a batch that was handled as one.

    So each trace shows the step, though nothing was done for it alone. At most `MAX_TRACES_PER_BATCH` distinct traces.
    """
    tracer, ended_ns = trace.get_tracer("guanxi"), time_ns()
    for traceparent in list(dict.fromkeys(filter(None, traceparents)))[:MAX_TRACES_PER_BATCH]:
        if (context := _parent_context(traceparent)) is not None:
            kind = SpanKind.CONSUMER
            tracer.start_span(name, context, kind, attributes, start_time=began_ns).end(end_time=ended_ns)


def traceparent_of(context: SpanContext) -> str | None:
    """The W3C header of a span; None for an invalid one."""
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_traceparent() -> str | None:
    """The header to send on: of the present span, else what came in with the call."""
    return traceparent_of(trace.get_current_span().get_span_context()) or current_context().traceparent


@contextmanager
def _entered(name: str, context: Context | None, kind: SpanKind, attributes: dict[str, AttributeValue]) -> Iterator[Span]:
    tracer = trace.get_tracer("guanxi")
    with tracer.start_as_current_span(
        name, context, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as entered:
        call = current_context()
        token = set_context(replace(call, traceparent=traceparent_of(entered.get_span_context()) or call.traceparent))
        try:
            yield entered
        except BaseException as error:
            entered.set_status(StatusCode.ERROR)
            entered.set_attribute("error.type", type(error).__name__)
            raise
        finally:
            reset_context(token)


def _parent_context(traceparent: str | None) -> Context | None:
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    remote = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return trace.set_span_in_context(NonRecordingSpan(remote), Context()) if remote.is_valid else None
