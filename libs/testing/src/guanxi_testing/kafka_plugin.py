"""The pytest plugin for real Kafka: one broker per run, also under pytest-xdist, started by the first test that asks.

`KAFKA_BOOTSTRAP_SERVERS` names a broker to use instead. Where there can be none the tests that ask are skipped, and the summary
says so in one loud line; with `REQUIRE_KAFKA=1` they fail.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from guanxi_testing.kafka import KafkaUnavailable, LocalKafka, locked, make_run_folder, remove_run_folder

_RUN = pytest.StashKey[tuple[Path, ExitStack]]()
_BROKER = pytest.StashKey[LocalKafka]()
_WITHOUT = "no Kafka: "


def _run_folder(config: pytest.Config) -> Path:
    """The run's folder, locked for as long as the run lives."""
    if _RUN not in config.stash:
        folder, stack = make_run_folder(), ExitStack()
        stack.enter_context(locked(folder / "run.lock"))
        config.stash[_RUN] = folder, stack
    return config.stash[_RUN][0]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["kafka_folder"] = str(_run_folder(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    if _RUN in config.stash:
        folder, stack = config.stash[_RUN]
        remove_run_folder(folder)
        stack.close()


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> str:
    """The bootstrap servers of the run's broker. Tests share it: use topics and groups of your own, and leave it running."""
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return servers
    told = getattr(pytestconfig, "workerinput", {}).get("kafka_folder")
    broker = pytestconfig.stash[_BROKER] = LocalKafka(Path(told) if told else _run_folder(pytestconfig))
    with locked(broker.folder / "start.lock"):
        start_or_skip(broker)
    return broker.bootstrap_servers


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    """A broker of the test's own, to be killed and restarted."""
    broker = LocalKafka(tmp_path / "kafka")
    start_or_skip(broker)
    yield broker
    broker.kill()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if _WITHOUT in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(
            f"REAL KAFKA NOT TESTED: {len(skipped)} tests skipped ({skipped[0].longrepr[2]})", red=True, bold=True
        )


def start_or_skip(broker: LocalKafka) -> None:
    """Start the broker if it does not run; where there can be none, skip the test (or fail it, see above)."""
    try:
        if not broker.running:
            broker.start()
    except KafkaUnavailable as error:
        if os.environ.get("REQUIRE_KAFKA") == "1":
            pytest.fail(f"{_WITHOUT}{error}", pytrace=False)
        pytest.skip(f"{_WITHOUT}{error}")
