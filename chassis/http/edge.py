"""Around every request: who asks because of what, and one log line and one figure about how it went."""

import re
from functools import cache
from time import perf_counter

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Histogram

from chassis.causation import Cause, caused_by
from chassis.ids import new_id
from chassis.telemetry.context import RequestContext, answering
from chassis.telemetry.logs import tell_plainly
from chassis.telemetry.metrics import HTTP_SECONDS
from chassis.telemetry.traces import ServerSpan

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
        method = scope["method"]
        if method == "HEAD":
            # HEAD is GET without its body; the server's own scope keeps the true method.
            scope = scope.copy()
            scope["method"] = "GET"
        sent = {name: value for name, value in scope["headers"] if name in _CONTEXT_HEADERS}
        request = _request_of(sent)
        answer = _Answer(send, request.request_id, is_head=method == "HEAD")
        with (
            answering(request),
            ServerSpan(method, sent.get(b"traceparent")) as current,
            caused_by(Cause(request.correlation_id, None, current.traceparent)),
        ):
            started = perf_counter()
            try:
                await self._app(scope, receive, answer.send)
            finally:
                _tell(method, scope, answer.status, perf_counter() - started, current)


def _request_of(sent: dict[bytes, bytes]) -> RequestContext:
    request_id = _sane(sent.get(b"x-request-id")) or str(new_id())
    return RequestContext(request_id, _sane(sent.get(b"x-correlation-id")) or request_id)


_CONTEXT_HEADERS = frozenset({b"x-request-id", b"x-correlation-id", b"traceparent"})


def _sane(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    text = raw.decode("latin-1")
    return text if _SANE_ID.fullmatch(text) else None


_WITH_ALLOW = (204, 405)


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
            headers = message["headers"]
            if self.status in _WITH_ALLOW:
                headers = [(name, _with_head(value) if name == b"allow" else value) for name, value in headers]
            message["headers"] = [*headers, (b"x-request-id", self._request_id)]
        elif message["type"] == "http.response.body" and self._is_head:
            message["body"] = b""
        await self._send(message)


def _with_head(allowed: bytes) -> bytes:
    methods = {method.strip() for method in allowed.split(b",")}
    return b", ".join(sorted(methods | {b"HEAD"} if b"GET" in methods else methods))


def _tell(method: str, scope: HTTPScope, status: int | None, seconds: float, current: ServerSpan) -> None:
    """No part of the URL but the route's template: paths and queries can hold personal data."""
    route = scope.get("path_template") or UNMATCHED
    method = method if method in _METHODS else "other"
    _observer(method, route, status).observe(seconds)
    current.answered(method, route, status)
    tell = log.debug if route.startswith(_QUIET) else tell_plainly
    tell("request", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 1))


@cache
def _observer(method: str, route: str, status: int | None) -> Histogram:
    """A figure's child is found once; methods, routes and status codes are few."""
    return HTTP_SECONDS.labels(method, route, status or "none")
