"""Around every request: who asks because of what, and one log line and one figure about how it went."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from chassis.causation import Cause, caused_by
from chassis.ids import new_id
from chassis.telemetry.context import RequestContext, answering
from chassis.telemetry.metrics import HTTP_SECONDS
from chassis.telemetry.traces import Span, SpanKind, current_traceparent, span

log = structlog.get_logger(__name__)

_SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{8,64}")
_QUIET = ("/health/", "/metrics")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"


class Edge:
    """Pure ASGI around the whole application, so that what the router refuses has a request id too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        is_head = scope["method"] == "HEAD"
        # HEAD is GET without its body; the server's own scope keeps the true method.
        inner = scope.copy()
        inner["method"] = "GET" if is_head else scope["method"]
        with _in_context(scope) as (request, current):
            answer = _Answer(send, request.request_id, is_head=is_head)
            started = perf_counter()
            try:
                await self._app(inner, receive, answer.send)
            finally:
                _tell(scope["method"], inner, answer.status, perf_counter() - started, current)


@contextmanager
def _in_context(scope: HTTPScope) -> Iterator[tuple[RequestContext, Span]]:
    sent = {name: value for name, value in scope["headers"] if name in _CONTEXT_HEADERS}
    request_id = _sane(sent.get(b"x-request-id")) or str(new_id())
    request = RequestContext(request_id, _sane(sent.get(b"x-correlation-id")) or request_id)
    traceparent = sent.get(b"traceparent", b"").decode("latin-1")
    with (
        answering(request),
        span(scope["method"], parent_traceparent=traceparent, kind=SpanKind.SERVER) as current,
        caused_by(Cause(request.correlation_id, None, current_traceparent())),
    ):
        yield request, current


_CONTEXT_HEADERS = frozenset({b"x-request-id", b"x-correlation-id", b"traceparent"})


def _sane(raw: bytes | None) -> str | None:
    text = (raw or b"").decode("latin-1")
    return text if _SANE_ID.fullmatch(text) else None


class _Answer:
    """Sends on what the application answers, with the request id."""

    def __init__(self, send: Send, request_id: str, *, is_head: bool) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self._is_head = is_head
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [(name, _with_head(value) if name == b"allow" else value) for name, value in message["headers"]]
            message["headers"] = [*headers, (b"x-request-id", self._request_id)]
        elif message["type"] == "http.response.body" and self._is_head:
            message["body"] = b""
        await self._send(message)


def _with_head(allowed: bytes) -> bytes:
    methods = {method.strip() for method in allowed.split(b",")}
    return b", ".join(sorted(methods | {b"HEAD"} if b"GET" in methods else methods))


def _tell(method: str, scope: HTTPScope, status: int | None, seconds: float, current: Span) -> None:
    """No part of the URL but the route's template: paths and queries can hold personal data."""
    route = scope.get("path_template") or UNMATCHED
    method = method if method in _METHODS else "other"
    HTTP_SECONDS.labels(method, route, status or "none").observe(seconds)
    current.update_name(f"{method} {route}")
    current.set_attribute("http.route", route)
    current.set_attribute("http.response.status_code", status or 0)
    tell = log.debug if route.startswith(_QUIET) else log.info
    tell("request", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 1))
