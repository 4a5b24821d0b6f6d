"""Fixtures for every test of the repository come from these plugins."""

from typing import Any

import pytest

pytest_plugins = ["guanxi_testing.plugin", "guanxi_testing.kafka_plugin"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start whole deployments run one after the other, on one worker: a dozen processes each are enough for two cores.

    Before xdist's own hook, which reads the mark.
    """
    for item in items:
        if {"e2e", "chaos"} & set(item.path.parts):
            item.add_marker(pytest.mark.xdist_group("deployments"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One loud line where the proxy's tests were skipped: nginx is no dependency, but CI has it."""
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if "no nginx" in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"REAL NGINX NOT TESTED: {len(skipped)} tests skipped", red=True, bold=True)
