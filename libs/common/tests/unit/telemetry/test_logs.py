"""Log lines: one JSON object each, with the call's ids, and without what must not be there."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog
from guanxi_common.context import CallContext, reset_context, set_context
from guanxi_common.telemetry.logs import LineWriter, StandardHandler, configure_logs
from guanxi_common.telemetry.scrubbing import MAX_DEPTH, REDACTED, scrub_text, scrub_value

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logs of the process go here; what was configured before comes back afterwards."""
    root, before, level = logging.getLogger(), structlog.get_config(), logging.getLogger().level
    handlers = list(root.handlers)
    stream = io.StringIO()
    configure_logs("customer-svc", "worker", stream=stream)
    yield stream
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_where_it_comes_from_and_to_which_call_it_belongs(stream: io.StringIO) -> None:
    token = set_context(CallContext("staff:1", "request-7", f"00-{TRACE}-00f067aa0ba902b7-01"))
    structlog.get_logger("guanxi.test").info("posting_kept", status="created", count=3)
    reset_context(token)
    [line] = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "guanxi.test",
        "event": "posting_kept",
        "service": "customer-svc",
        "process": "worker",
        "request_id": "request-7",
        "trace_id": TRACE,
        "status": "created",
        "count": 3,
    }


def test_no_value_can_forge_a_line_or_drive_a_terminal(stream: io.StringIO) -> None:
    structlog.get_logger().info('kept\n{"event": "forged"}', route="a\r\nb\u2028c\x85d\x9b31me")
    assert stream.getvalue().count("\n") == 1
    [line] = lines(stream)
    assert line["route"] == "a\r\nb\u2028c\x85d\x9b31me"


def test_a_field_cannot_pose_as_one_of_ours(stream: io.StringIO) -> None:
    structlog.get_logger().info("kept", service="forged-svc", timestamp="1999", logger="forged")
    [line] = lines(stream)
    assert (line["service"], line["logger"]) == ("customer-svc", "guanxi")
    assert line["timestamp"] != "1999"


def test_an_exception_is_told_without_its_text(stream: io.StringIO) -> None:
    try:
        raise LookupError("Key (phone)=(13800138000) of 王小明 already exists")
    except LookupError:
        structlog.get_logger().exception("write_failed")
        logging.getLogger("sqlalchemy").exception("write failed")
    assert "王小明" not in stream.getvalue()
    for line in lines(stream):
        assert line["exception"]["type"] == "LookupError"
        assert "test_logs.py" in line["exception"]["at"][-1]


def test_the_standard_library_logs_into_the_same_lines(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("connection from %s lost", "wang@example.com")
    [line] = lines(stream)
    assert (line["level"], line["logger"], line["event"]) == ("warning", "uvicorn.error", f"connection from {REDACTED} lost")


def test_a_chatty_library_is_heard_once_per_period(stream: io.StringIO) -> None:
    for broker in range(1_500):
        logging.getLogger("aiokafka.conn").warning("connect to %s failed", broker)
    logging.getLogger("aiokafka.conn").warning("another matter")
    logging.getLogger("guanxi").warning("ours")
    logging.getLogger("guanxi").warning("ours")
    assert [line["event"] for line in lines(stream)] == ["connect to 0 failed", "another matter", "ours", "ours"]


def test_below_the_level_nothing_is_written(stream: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("anything").debug("detail")
    assert stream.getvalue() == ""


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_logging_never_raises(stream: io.StringIO) -> None:
    loop: list[Any] = []
    loop.append(loop)
    structlog.get_logger().info("kept", thing=Hostile(), loop=loop, surrogate="\ud800", huge=10**400)
    structlog.get_logger().info(Hostile())
    # Straight to our handler: pytest's own raises for a bad message.
    [handler] = [handler for handler in logging.getLogger().handlers if isinstance(handler, StandardHandler)]
    for message in (Hostile(), "%d"):
        handler.handle(logging.LogRecord("x", logging.WARNING, __file__, 1, message, ("no number",), None))
    LineWriter(Broken()).write("lost")
    assert [line["event"] for line in lines(stream)] == ["kept", "<Hostile>", "<Hostile>", "%d"]


@pytest.mark.parametrize(
    "personal",
    [
        "11010519491231002X",
        "110105194912310021",
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "+86 138 0013 8000",
        "+420 601 123 456",
        "6222020200112233",
        "6222 0202 0011 2233",
        "wang.xiaoming@example.com.cn",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJybSJ9.c2lnbmF0dXJl",
    ],
)
def test_what_looks_personal_goes(personal: str) -> None:
    for text in (personal, f"found {personal}, twice", f"手机：{personal}。", f"value={personal}"):
        assert personal not in scrub_text(text)
        assert REDACTED in scrub_text(text)


@pytest.mark.parametrize(
    "harmless",
    [
        "0192f0c4-6b1e-7c3a-9d52-138001380000",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "2026-11-23T02:15:30.250Z",
        "bank.transactions[47]@180012",
        "task.opened for 12 customers",
    ],
)
def test_ids_times_and_offsets_stay(harmless: str) -> None:
    assert scrub_text(harmless) == harmless


def test_a_telling_key_loses_its_value_at_any_depth() -> None:
    fields = {"customer_id": UUID(int=1), "row": {"name": "王小明", "Phone": "1", "tier": "gold", "email": None}, "names": ["a"]}
    assert scrub_value(fields) == {
        "customer_id": str(UUID(int=1)),
        "row": {"name": REDACTED, "Phone": REDACTED, "tier": "gold", "email": None},
        "names": ["a"],
    }


def test_long_and_deep_values_are_cut() -> None:
    assert len(scrub_text("é" * 10_000)) == 2_001
    assert len(scrub_value(list(range(1_000)))) == 50
    deep: Any = "end"
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    assert "end" not in str(scrub_value(deep))


def test_an_object_is_told_by_its_type_only() -> None:
    assert scrub_value({"thing": Hostile()}) == {"thing": "<Hostile>"}
    assert scrub_value(b"bytes") == "<bytes>"
