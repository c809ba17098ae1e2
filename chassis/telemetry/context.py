"""Which request is being answered: for log lines, audit rows and problem documents, wherever they are made."""

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class RequestContext:
    """`operator_id` is filled in once the caller's token has been verified.

    `bulk_job_id` names the bulk action of whose rows one is being done.
    """

    request_id: str
    correlation_id: str
    operator_id: str | None = None
    bulk_job_id: UUID | None = None


_current: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def current_request() -> RequestContext | None:
    return _current.get()


def current_request_id() -> str | None:
    request = _current.get()
    return request.request_id if request else None


class answering:  # noqa: N801  # used as a function is; a generator would cost more than all else here
    """The block answers `request`."""

    __slots__ = ("_request", "_token")

    def __init__(self, request: RequestContext) -> None:
        self._request = request

    def __enter__(self) -> None:
        self._token = _current.set(self._request)

    def __exit__(self, *_fault: object) -> None:
        _current.reset(self._token)
