"""Logs, metrics and traces. `configure` once at the start of a process; nothing here raises into the work it observes.

- `logs`: structlog and the standard library's loggers as JSON lines on stdout, without personal data.
- `metrics`: what Prometheus is told about the domain and the process; the edge's and the fabric's own are with them.
- `traces`: OpenTelemetry spans to a file of JSON lines or an OTLP collector, W3C `traceparent` in and out.
- `worker_http`: `/livez` and `/metrics` of a worker process.
"""

from guanxi_common.telemetry.logs import configure_logs
from guanxi_common.telemetry.settings import TelemetrySettings
from guanxi_common.telemetry.traces import configure_tracing

__all__ = ["TelemetrySettings", "configure"]


def configure(service: str, process: str, settings: TelemetrySettings | None = None) -> None:
    """Set up logs and traces; `process` is `api`, `worker` or a command's name. Without `settings` the environment's.

    Call it first in `main.py` and `worker.py`, and once: OpenTelemetry keeps the first provider of a process.
    """
    chosen = settings or TelemetrySettings()
    configure_logs(service, process, level=chosen.log_level)
    configure_tracing(
        service,
        process,
        trace_file=chosen.trace_file,
        otlp_endpoint=chosen.otlp_endpoint,
        sampled_share=chosen.trace_sampled_share,
    )
