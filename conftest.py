"""Fixtures for every test of the repository come from these plugins."""

pytest_plugins = ["guanxi_common.testing.plugin", "guanxi_common.testing.kafka_plugin"]
