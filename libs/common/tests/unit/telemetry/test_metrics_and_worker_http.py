"""The worker's `/livez` and `/metrics`, the names of the metrics, and the settings."""

import asyncio
import importlib
import socket
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from guanxi_common.telemetry import TelemetrySettings
from guanxi_common.telemetry.metrics import POOL_IN_USE, POOL_SIZE, describe_metrics, watch_pool
from guanxi_common.telemetry.worker_http import create_worker_app, serve_worker_http
from guanxi_common.testing.eventually import eventually
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine

pytestmark = pytest.mark.anyio


def client_of(progress: dict[str, float]) -> httpx.AsyncClient:
    app = create_worker_app({part: lambda seconds=seconds: seconds for part, seconds in progress.items()}, stalled_after=60)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker")


async def test_a_worker_lives_while_every_part_gets_on() -> None:
    async with client_of({"relay": 0.2, "scoring": 60}) as client:
        answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "stalled": []})


async def test_a_worker_with_a_stalled_part_is_not_alive_and_names_it() -> None:
    async with client_of({"relay": 0.2, "scoring": 61}) as client:
        answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (503, {"status": "stalled", "stalled": ["scoring"]})


async def test_metrics_are_served() -> None:
    async with client_of({}) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "guanxi_audit_unsealed_seconds" in answer.text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_it_serves_on_loopback_until_told_to_stop() -> None:
    stop, port = asyncio.Event(), free_port()
    serving = asyncio.create_task(serve_worker_http({"relay": lambda: 0.0}, stop, port=port))
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


async def test_a_taken_port_is_an_error_and_not_the_end_of_the_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await serve_worker_http({}, asyncio.Event(), port=taken.getsockname()[1])


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
