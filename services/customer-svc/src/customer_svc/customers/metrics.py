"""What Prometheus is told about customer files."""

from prometheus_client import Counter

SEARCHES = Counter("guanxi_customer_searches_total", "Searches by outcome: found, fruitless.", ("outcome",))
