"""Fixtures for every test of the repository come from one plugin."""

pytest_plugins = ["guanxi_common.testing.plugin"]
