"""What a process says about itself: logs without personal data, metrics, traces."""

from chassis.settings import ServiceSettings


def start_telemetry(service: str, settings: ServiceSettings) -> None:
    """Once per process, before anything is said."""
    # The settings alone are wanted by most who import from here; the loggers and the tracer by a process only.
    from chassis.telemetry.logs import start_logging  # noqa: PLC0415
    from chassis.telemetry.traces import start_tracing  # noqa: PLC0415

    start_logging(service, settings.log_level)
    start_tracing(service, settings)
