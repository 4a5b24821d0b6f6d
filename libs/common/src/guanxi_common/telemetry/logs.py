"""One JSON object a line on stdout, from structlog and from the standard library's loggers alike.

A line holds `timestamp` (UTC), `level`, `logger`, `event`, `service`, `process`, `request_id` and `trace_id` of the present call,
and the fields given; see `scrubbing` for what is taken out. An exception is told by its type and the places in the code, never
by its text, which may quote a row. A line that cannot be written is dropped.
"""

import logging
import re
import sys
import time
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec
import structlog

from guanxi_common.context import current_context
from guanxi_common.telemetry.scrubbing import scrub_fields, scrub_text

EventDict = MutableMapping[str, Any]

REPEAT_SECONDS: Final = 10.0
_PLACES: Final = 8
_CHATTY: Final = ("aiokafka", "kafka")
_QUIET: Final = {
    "uvicorn.access": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "asyncio": logging.WARNING,
}
# JSON allows these raw, but readers that split lines or drive a terminal act on them.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029]")
_encode = msgspec.json.Encoder().encode


def configure_logs(service: str, process: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every logger of the process through one chain to `stream` (stdout). May be called again; the last call holds."""
    renderer = LineRenderer(service, process)
    writer = LineWriter(stream)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *arguments: NamedWriter(writer, *arguments),
        cache_logger_on_first_use=False,
    )
    handler = StandardHandler(renderer, writer)
    root = logging.getLogger()
    root.handlers[:] = [kept for kept in root.handlers if not isinstance(kept, StandardHandler)] + [handler]
    root.setLevel(level)
    handler.addFilter(RepeatFilter(_CHATTY, REPEAT_SECONDS))
    for name, floor in _QUIET.items():
        logging.getLogger(name).setLevel(max(floor, root.level))


class LineWriter:
    """Writes a line and flushes it; a broken stdout loses the line and nothing else."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        stream = self._stream or sys.stdout
        try:
            stream.write(line + "\n")
            stream.flush()
        except (OSError, ValueError):
            return


class NamedWriter:
    """What structlog's bound logger calls at the end; it carries the name that `get_logger` was given."""

    def __init__(self, writer: LineWriter, name: str = "guanxi") -> None:
        self.name = name
        self._writer = writer

    def msg(self, line: str) -> None:
        self._writer.write(line)

    debug = info = warning = error = critical = exception = msg


class LineRenderer:
    """The last processor: an event's fields in, its line out. Never raises."""

    def __init__(self, service: str, process: str) -> None:
        self._fixed = {"service": service, "process": process}

    def __call__(self, logger: Any, _method: str, fields: EventDict) -> str:
        try:
            return self._render(getattr(logger, "name", "guanxi"), dict(fields))
        except Exception as error:  # a log line must never break the work it tells of
            return f'{{"level":"error","event":"log_line_failed","error":"{type(error).__name__}"}}'

    def _render(self, logger: str, fields: dict[str, Any]) -> str:
        level, event = fields.pop("level", "info"), fields.pop("event", "")
        exception = _describe(fields.pop("exc_info", None))
        fields.pop("stack_info", None)
        context = current_context()
        line = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "logger": logger,
            "event": scrub_text(event) if isinstance(event, str) else f"<{type(event).__name__}>",
            **self._fixed,
            **({"request_id": context.request_id} if context.request_id else {}),
            **({"trace_id": context.traceparent.split("-")[1]} if context.traceparent else {}),
            **({"exception": exception} if exception else {}),
        }
        line |= {name: value for name, value in scrub_fields(fields).items() if name not in line}
        text = _encode(line).decode()
        return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


class StandardHandler(logging.Handler):
    """Takes the standard library's records (uvicorn, SQLAlchemy, aiokafka) into the same lines."""

    def __init__(self, renderer: LineRenderer, writer: LineWriter) -> None:
        super().__init__()
        self._renderer = renderer
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:  # arguments that do not fit the format: the format alone still tells something
            text = record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
        fields: EventDict = {"level": record.levelname.lower(), "event": text, "exc_info": record.exc_info}
        if repeated := getattr(record, "repeated", 0):
            fields["repeated"] = repeated
        self._writer.write(self._renderer(record, "", fields))


class RepeatFilter(logging.Filter):
    """Lets the same message of a chatty logger through once per period, with the number of those held back in between."""

    def __init__(self, loggers: tuple[str, ...], period: float) -> None:
        super().__init__()
        self._loggers = loggers
        self._period = period
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._loggers):
            return True
        message, now = (record.name, str(record.msg)), time.monotonic()
        since, held_back = self._seen.get(message, (float("-inf"), 0))
        if now - since < self._period:
            self._seen[message] = (since, held_back + 1)
            return False
        self._seen[message] = (now, 0)
        record.repeated = held_back
        return True


def _describe(exc_info: Any) -> dict[str, Any] | None:
    """An exception's type and the innermost places that it passed."""
    if isinstance(exc_info, BaseException):
        error: BaseException | None = exc_info
    elif isinstance(exc_info, tuple):
        error = exc_info[1]
    else:
        error = sys.exception() if exc_info else None
    if error is None:
        return None
    frames = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    return {"type": type(error).__name__, "at": places}
