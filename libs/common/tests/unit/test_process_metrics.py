"""R9: what a process's metrics show of its pool."""

from types import SimpleNamespace
from typing import Any, cast

from guanxi_common.db.uow import POOL_SIZE
from guanxi_common.process import open_database
from prometheus_client import generate_latest


def test_r9_metrics_show_the_limit_and_the_use_of_the_pool() -> None:
    settings = SimpleNamespace(database_url="postgresql://nobody@127.0.0.1:1/none", service="customer-svc")
    open_database(cast("Any", settings), "api")
    shown = generate_latest().decode()
    assert f"guanxi_pool_connections_limit {float(POOL_SIZE)}" in shown
    assert "guanxi_pool_connections_in_use 0.0" in shown
