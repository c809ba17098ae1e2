"""Traces: W3C ids made and passed on always, spans recorded only where an exporter is configured.

Without one, a span is two random numbers: the SDK is not even imported.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import getrandbits
from typing import TYPE_CHECKING, Self

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import StatusCode
from opentelemetry.util.types import AttributeValue

from chassis.settings import ServiceSettings
from contracts.envelope import EventT, Incoming

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

__all__ = ["ServerSpan", "Span", "SpanKind", "current_traceparent", "flush_traces", "span", "start_tracing"]

_TRACEPARENT = re.compile("(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
EXPORT_MS = 500
_provider: "TracerProvider | None" = None


def start_tracing(service: str, settings: ServiceSettings) -> None:
    """Once per process. Spans go to the OTLP endpoint, to the file, or to both."""
    global _provider  # noqa: PLW0603  # one per process, as the SDK has it too
    exporters = list(_exporters(settings))
    if not exporters:
        return
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # megabytes that most processes can spare
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    _provider = TracerProvider(resource=Resource({"service.name": f"waybill-{service}"}))
    for exporter in exporters:
        _provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_MS))


def flush_traces() -> None:
    """What is still in memory is exported; for the end of a process."""
    if _provider is not None:
        _provider.force_flush(5_000)


def _exporters(settings: ServiceSettings) -> "Iterator[SpanExporter]":
    if settings.otlp_endpoint is not None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        yield OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    if settings.traces_file is not None:
        yield _lines_exporter(settings.traces_file)


def _lines_exporter(file: Path) -> "SpanExporter":
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult  # noqa: PLC0415

    class JsonLines(SpanExporter):
        """One span a line. One write per batch on a file opened for appending, so that processes can share it."""

        def __init__(self) -> None:
            self._file = file.open("ab", buffering=0)

        def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
            self._file.write("".join(f"{span.to_json(indent=None)}\n" for span in spans).encode())
            return SpanExportResult.SUCCESS

        def shutdown(self) -> None:
            self._file.close()

    return JsonLines()


@contextmanager
def span(
    name: str,
    *,
    parent_traceparent: str | None = None,
    links: Iterable[str] = (),
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: AttributeValue,
) -> Iterator[Span]:
    """The current span for the block. `parent_traceparent` comes from elsewhere; else the current span is the parent.

    `links` are traceparents too. An exception is told by its type alone: its message may hold personal data.
    """
    parent = _remote(parent_traceparent) if parent_traceparent else None
    context = None if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), Context())
    started = _start(name, context, links, kind, attributes)
    with trace.use_span(started, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield started
        except BaseException as fault:
            started.set_status(StatusCode.ERROR, type(fault).__name__)
            raise


class ServerSpan:
    """The span of a request that is answered, current for the block. Without an exporter it costs its ids alone."""

    __slots__ = ("_span", "_token")

    def __init__(self, method: str, traceparent: bytes | None) -> None:
        parent = _remote(traceparent.decode("latin-1")) if traceparent else None
        context = None if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), Context())
        self._span = _start(method, context, (), SpanKind.SERVER, {})

    @property
    def traceparent(self) -> str:
        return _traceparent(self._span.get_span_context())

    def answered(self, method: str, route: str, status: int | None) -> None:
        if self._span.is_recording():
            self._span.update_name(f"{method} {route}")
            self._span.set_attribute("http.route", route)
            self._span.set_attribute("http.response.status_code", status or 0)

    def __enter__(self) -> Self:
        self._token = attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(self, kind: type[BaseException] | None, _fault: object, _trace: object) -> None:
        detach(self._token)
        if kind is not None:
            # By its type alone: an exception's message may hold personal data.
            self._span.set_status(StatusCode.ERROR, kind.__name__)
        self._span.end()


@contextmanager
def consumed(consumer: str, batch: list[Incoming[EventT]]) -> Iterator[list[Incoming[EventT]]]:
    """A span per event in the trace that led to it, over the handling of the whole batch.

    Gives the batch with each envelope's `traceparent` moved on to its span, so that what follows hangs below it.
    Where nothing is recorded the batch is given as it is, for nothing.
    """
    if _provider is None:
        yield batch
        return
    spans = [_consumer_span(consumer, incoming) for incoming in batch]
    try:
        yield [_moved_on(incoming, span) for incoming, span in zip(batch, spans, strict=True)]
    except BaseException as fault:
        for one in spans:
            one.set_status(StatusCode.ERROR, type(fault).__name__)
        raise
    finally:
        for one in spans:
            one.end()


def _consumer_span(consumer: str, incoming: Incoming[EventT]) -> Span:
    envelope = incoming.envelope
    parent = _remote(envelope.traceparent) if envelope.traceparent else None
    context = trace.set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()
    return _start(
        f"consume {envelope.type}", context, (), SpanKind.CONSUMER, {"messaging.consumer.group.name": consumer}
    )


def _moved_on(incoming: Incoming[EventT], span: Span) -> Incoming[EventT]:
    return incoming._replace(envelope=incoming.envelope._replace(traceparent=_traceparent(span.get_span_context())))


def _start(
    name: str, context: Context | None, links: Iterable[str], kind: SpanKind, attributes: dict[str, AttributeValue]
) -> Span:
    if _provider is None:
        return _ids_only(context)
    linked = [Link(remote) for remote in map(_remote, links) if remote is not None]
    return _provider.get_tracer("waybill").start_span(name, context, kind, attributes, linked)


def _ids_only(context: Context | None) -> Span:
    parent = trace.get_current_span(context).get_span_context()
    trace_id = parent.trace_id if parent.is_valid else getrandbits(128) or 1
    flags = parent.trace_flags if parent.is_valid else TraceFlags(TraceFlags.SAMPLED)
    return NonRecordingSpan(SpanContext(trace_id, getrandbits(64) or 1, is_remote=False, trace_flags=flags))


def current_traceparent() -> str | None:
    """The current span in W3C form, for a header or an envelope."""
    current = trace.get_current_span().get_span_context()
    return _traceparent(current) if current.is_valid else None


def _traceparent(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_ids() -> tuple[str, str] | None:
    """Trace id and span id in hexadecimal, for log lines."""
    current = trace.get_current_span().get_span_context()
    return (f"{current.trace_id:032x}", f"{current.span_id:016x}") if current.is_valid else None


def _remote(traceparent: str) -> SpanContext | None:
    """None where it is no traceparent: then a new trace begins, as W3C asks."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    remote = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & TraceFlags.SAMPLED))
    return remote if remote.is_valid else None
