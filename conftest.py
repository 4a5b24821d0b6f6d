"""Fixtures for every test of the repository come from these plugins."""

import pytest

pytest_plugins = ["guanxi_common.testing.plugin", "guanxi_common.testing.kafka_plugin"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start whole deployments run one after the other, on one worker: a dozen processes each are enough for two cores.

    Before xdist's own hook, which reads the mark.
    """
    for item in items:
        if {"e2e", "chaos"} & set(item.path.parts):
            item.add_marker(pytest.mark.xdist_group("deployments"))
