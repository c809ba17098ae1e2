"""Which request is being answered: for log lines, audit rows and problem documents, wherever they are made."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class RequestContext:
    """`operator_id` is filled in once the caller's token has been verified."""

    request_id: str
    correlation_id: str
    operator_id: str | None = None


_current: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def current_request() -> RequestContext | None:
    return _current.get()


def current_request_id() -> str | None:
    request = _current.get()
    return request.request_id if request else None


@contextmanager
def answering(request: RequestContext) -> Iterator[None]:
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)
