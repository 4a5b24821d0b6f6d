"""What Prometheus is told about the domain and the process. Names and help are the operator's interface: they do not change.

The HTTP edge's metrics are in `http.metrics`, the event fabric's in `messaging.metrics`; `describe_metrics` lists them all. Labels
are closed sets (a task's type, a signal's kind), never an id or anything a caller chose.
"""

from dataclasses import dataclass
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

PREFIX: Final = "guanxi_"

SIGNALS: Final = Counter("guanxi_signals_total", "Signals raised, by kind and severity", ["kind", "severity"])
ACTIONS: Final = Counter("guanxi_actions_total", "Next best actions by kind and what became of them", ["kind", "outcome"])
SCORE_CHECKS: Final = Counter(
    "guanxi_score_checks_total", "Stored scores computed again from the ledger, by outcome: equal or different", ["outcome"]
)
MODEL_DRIFT: Final = Gauge(
    "guanxi_model_drift_psi", "Population stability index against the training, of the score and each feature", ["model", "part"]
)
AUDIT_UNSEALED_AGE: Final = Gauge(
    "guanxi_audit_unsealed_seconds", "Age of the oldest audit entry outside the Merkle log, when the sealer last looked"
)
POOL_IN_USE: Final = Gauge("guanxi_pool_connections_in_use", "Database connections that are checked out")
POOL_SIZE: Final = Gauge("guanxi_pool_connections_limit", "Database connections that may be checked out at once")


@dataclass(frozen=True, slots=True)
class MetricDescription:
    """One metric as the operator sees it."""

    name: str
    kind: str
    help: str


def watch_pool(engine: AsyncEngine) -> None:
    """Report the pool of the process's only engine; read when Prometheus asks, so it costs nothing in between."""
    pool = engine.pool
    if isinstance(pool, QueuePool):
        POOL_IN_USE.set_function(pool.checkedout)
        POOL_SIZE.set(pool.size())


def describe_metrics(registry: CollectorRegistry = REGISTRY) -> list[MetricDescription]:
    """Our metrics that the process has imported, by name."""
    ours = (metric for metric in registry.collect() if metric.name.startswith(PREFIX))
    return sorted((MetricDescription(m.name, m.type, m.documentation) for m in ours), key=lambda metric: metric.name)
