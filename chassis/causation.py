"""Why something happens: carried from a request or an event to the events that follow from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from contracts.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Cause:
    """`causation_id` is the event that led here, None where a person's request did."""

    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None

    @classmethod
    def of(cls, envelope: Envelope) -> "Cause":
        return cls(envelope.correlation_id, str(envelope.id), envelope.traceparent)


_current: ContextVar[Cause | None] = ContextVar("cause", default=None)


def current_cause() -> Cause | None:
    return _current.get()


@contextmanager
def caused_by(cause: Cause | None) -> Iterator[None]:
    """Events added inside the block follow from `cause`."""
    token = _current.set(cause)
    try:
        yield
    finally:
        _current.reset(token)
