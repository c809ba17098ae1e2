"""What this process would tell a scrape."""

from prometheus_client import REGISTRY


def gauge(name: str, **labels: str) -> float:
    """The sample's value now; a LookupError where there is none."""
    value = REGISTRY.get_sample_value(name, labels)
    if value is None:
        raise LookupError(f"{name} {labels} has no sample")
    return value
