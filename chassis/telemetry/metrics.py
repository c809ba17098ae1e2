"""Metrics of the process, in prometheus_client's default registry; a module declares its own beside its code.

Names start with `waybill_` and end in their unit; a label's values are few and known.
"""

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Gauge, Histogram, generate_latest

__all__ = [
    "CONTENT_TYPE_LATEST",
    "HTTP_SECONDS",
    "LOOP_LAG_SECONDS",
    "POOL_IN_USE",
    "POOL_SIZE",
    "POOL_TIMEOUTS",
    "exposition",
]

HTTP_SECONDS = Histogram(
    "waybill_http_request_duration_seconds",
    "From the request's first byte to the answer's last",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
LOOP_LAG_SECONDS = Gauge("waybill_event_loop_lag_seconds", "How late the event loop's last beat came")

POOL_SIZE = Gauge("waybill_database_pool_size", "Connections that this process may have at once", ["pool"])
POOL_IN_USE = Gauge("waybill_database_pool_in_use", "Connections that work is being done on, at the scrape", ["pool"])
POOL_TIMEOUTS = Counter("waybill_database_pool_timeouts_total", "Units of work that waited for a connection in vain")


def exposition() -> bytes:
    """What a scrape gets."""
    return generate_latest(REGISTRY)
