"""The worker's `/livez`, `/healthz` and `/metrics`, the names of the metrics, and the settings."""

import asyncio
import importlib
import socket
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from guanxi_common.parts import Part, PartProblem, running
from guanxi_common.telemetry import TelemetrySettings
from guanxi_common.telemetry.metrics import POOL_IN_USE, POOL_SIZE, describe_metrics, watch_pool
from guanxi_common.telemetry.worker_http import create_worker_app, serve_worker_http
from guanxi_testing.eventually import eventually
from guanxi_testing.sockets import free_port
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine

pytestmark = pytest.mark.anyio


async def forever(_part: Part, stop: asyncio.Event) -> None:
    await stop.wait()


async def stuck(_part: Part, _stop: asyncio.Event) -> None:
    raise PartProblem("no topic")


def client_of(*parts: Part) -> httpx.AsyncClient:
    app = create_worker_app("scoring-svc", parts)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker")


async def test_d18_a_part_that_fails_shows_in_healthz_and_never_in_livez() -> None:
    relay, consumer = Part("relay", forever), Part("consumer", stuck)

    async def failed() -> bool:
        return bool(consumer.failures)

    async with running([relay, consumer]), client_of(relay, consumer) as client:
        await eventually(failed)
        live, health = await client.get("/livez"), await client.get("/healthz")
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    document = health.json()
    assert (health.status_code, document["status"], document["service"], document["process"]) == (
        200,
        "degraded",
        "scoring-svc",
        "worker",
    )
    shown = {part["name"]: part for part in document["parts"]}
    assert (shown["relay"]["state"], shown["relay"]["failures"]) == ("running", 0)
    assert shown["consumer"]["last_error"] == "PartProblem: no topic"
    assert datetime.fromisoformat(shown["consumer"]["next_try"]) > datetime.fromisoformat(shown["consumer"]["since"])


async def test_metrics_are_served() -> None:
    async with client_of() as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "guanxi_audit_unsealed_seconds" in answer.text


async def test_it_serves_on_loopback_until_told_to_stop() -> None:
    stop, port = asyncio.Event(), free_port()
    serving = asyncio.create_task(serve_worker_http("scoring-svc", [], stop, port=port))
    async with httpx.AsyncClient() as client:

        async def answered() -> bool:
            with suppress(httpx.TransportError):
                return (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200
            return False

        await eventually(answered)
    stop.set()
    await asyncio.wait_for(serving, 10)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_d18_silent_connections_keep_no_probe_waiting() -> None:
    port, stop = free_port(), asyncio.Event()
    serving = asyncio.create_task(serve_worker_http("scoring-svc", [], stop, port=port))

    async def answers() -> bool:
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                return (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200
        return False

    await eventually(answers)
    silent = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(60)]
    assert await answers()
    for writer in silent:
        writer.close()
    stop.set()
    await serving


async def test_a_taken_port_is_an_error_and_not_the_end_of_the_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await serve_worker_http("scoring-svc", [], asyncio.Event(), port=taken.getsockname()[1])


async def test_every_metric_is_ours_and_explained() -> None:
    for module in ("http.metrics", "messaging.metrics", "telemetry.metrics"):
        importlib.import_module(f"guanxi_common.{module}")
    described = describe_metrics()
    assert {"guanxi_http_request_seconds", "guanxi_relay_published", "guanxi_consumer_lag_records"} <= {m.name for m in described}
    assert all(len(metric.help) > 10 for metric in described)


async def test_the_pool_is_watched() -> None:
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none", pool_size=7)
    watch_pool(engine)
    assert [sample.value for metric in (POOL_IN_USE, POOL_SIZE) for family in metric.collect() for sample in family.samples] == [
        0,
        7,
    ]
    await engine.dispose()


async def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUANXI_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("GUANXI_TRACE_FILE", "/var/log/guanxi/spans.jsonl")
    settings = TelemetrySettings()
    assert (settings.log_level, settings.trace_file) == ("WARNING", Path("/var/log/guanxi/spans.jsonl"))
    assert (settings.otlp_endpoint, settings.trace_sampled_share) == (None, 1.0)
    monkeypatch.setenv("GUANXI_LOG_LEVEL", "LOUD")
    with pytest.raises(ValidationError):
        TelemetrySettings()
