"""What `guanxi run` would start, and what it refuses before it has started anything."""

import socket
from pathlib import Path

import pytest
from guanxi_common.db.embedded import PortTaken
from guanxi_common.installation import SERVICES
from guanxi_operator.deployment import Deployment, until_reachable


def address(service: str, database: str) -> str:
    return f"postgresql://guanxi_{service}:secret@127.0.0.1:8154/guanxi_{database}"


def test_each_service_gets_an_api_and_a_worker_on_its_own_database() -> None:
    children = {child.name: child for child in Deployment(Path("/home"), SERVICES).children(address)}
    assert set(children) == {f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")}
    api, worker = children["scoring-api"], children["scoring-worker"]
    assert api.readiness_url == "http://127.0.0.1:8103/readyz"
    assert api.env["DATABASE_URL"] == worker.env["DATABASE_URL"] == address("scoring", "scoring")
    assert api.wave < worker.wave


def test_the_embedded_log_is_used_only_without_kafka() -> None:
    assert Deployment(Path("/home"), SERVICES).environment("scoring", address)["BUS_DATABASE_URL"].endswith("/guanxi_bus")
    with_kafka = Deployment(Path("/home"), SERVICES, kafka="127.0.0.1:9092").environment("scoring", address)
    assert with_kafka["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:9092"
    assert "BUS_DATABASE_URL" not in with_kafka


def test_the_sandbox_is_loaded_once() -> None:
    last = Deployment(Path("/home"), SERVICES, sandbox=True).children(address)[-1]
    assert last.once
    assert last.env["GUANXI_CUSTOMER_URL"] == "http://127.0.0.1:8101"


def test_a_taken_port_is_named_with_its_service() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} for scoring-svc"):
            Deployment(Path("/home"), {"scoring": port}).require_free_ports()


def test_d18_a_database_that_is_away_at_the_start_is_waited_for() -> None:
    failures, lines = [ConnectionRefusedError(), ConnectionRefusedError()], []

    def step() -> None:
        if failures:
            raise failures.pop()

    until_reachable(step, lines.append, pause=0)
    assert lines == ["waiting for PostgreSQL: ConnectionRefusedError"]


def test_what_does_not_pass_by_itself_ends_the_start() -> None:
    def step() -> None:
        raise ValueError("no such revision")

    with pytest.raises(ValueError, match="revision"):
        until_reachable(step, [].append, pause=0)


def test_a_process_gets_its_own_services_credentials_and_no_others() -> None:
    key = "customer-svc/1:secret"
    for child in Deployment(Path("/home"), SERVICES, signing_key=key).children(address):
        service = child.name.partition("-")[0]
        urls = [value for value in child.env.values() if value.startswith("postgresql://")]
        assert len(urls) == 3
        assert all(url.startswith(f"postgresql://guanxi_{service}:") for url in urls)
        assert child.env.get("GUANXI_EVENT_SIGNING_KEY") == (key if service == "customer" else None)
