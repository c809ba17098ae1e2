"""Why something happens: carried from a request or an event to the events that follow from it."""

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


class caused_by:  # noqa: N801  # used as a function is; a generator would cost more than all else here
    """Events added inside the block follow from `cause`."""

    __slots__ = ("_cause", "_token")

    def __init__(self, cause: Cause | None) -> None:
        self._cause = cause

    def __enter__(self) -> None:
        self._token = _current.set(self._cause)

    def __exit__(self, *_fault: object) -> None:
        _current.reset(self._token)
