"""Whatever goes wrong, as RFC 9457 `application/problem+json`.

422 is for the shape and content of a request (parameters of path and query too), 409 for the state it meets,
400 for what is no JSON or no HTTP that we speak.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, NotFoundException, ValidationException

from chassis.errors import FieldError, Refusal
from chassis.faults import is_passing
from chassis.http.endpoints import InvalidRequest, endpoint_at
from chassis.http.parameters import malformed_path_fault
from chassis.http.sharing import share
from chassis.telemetry.context import current_request_id
from chassis.telemetry.privacy import told_fault

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:waybill:problem:"
RETRY_SECONDS = 1
MEMBERS = frozenset({"type", "title", "status", "detail", "errors", "request_id"})

# What Litestar itself refuses with: code, title and detail. Its own details can repeat what the caller sent.
_HTTP_PROBLEMS: Mapping[int, tuple[str, str, str]] = {
    400: ("bad_request", "Bad request", "the request cannot be understood"),
    404: ("no_such_route", "No such route", "nothing is served at this path"),
    405: ("method_not_allowed", "Method not allowed", "the header Allow lists what this path answers"),
    413: ("body_too_large", "Body too large", "the body is larger than this route accepts"),
    415: ("unsupported_media_type", "Unsupported media type", "the body's media type is not understood"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem document; `ids` become members of it, after the standard ones."""

    code: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "type": TYPE_PREFIX + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "errors": [{"field": e.field, "code": e.code, "message": e.message} for e in self.errors],
            "request_id": current_request_id(),
        }
        return members | {name: value for name, value in self.ids.items() if name not in MEMBERS}

    def response(self) -> Response[bytes]:
        return Response(
            # Escaped, so that not even a lone surrogate of the caller's can make an answer fail.
            json.dumps(self.document()).encode(),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers=dict(self.headers),
        )


def answer_fault(request: Request[Any, Any, Any], fault: Exception) -> Response[Any]:
    """The exception handler of every application: nothing leaves it in another form, but a page for a browser."""
    problem = problem_of(request, fault)
    if problem is INTERNAL:
        log.error("request_failed", fault=type(fault).__name__, trace=told_fault(fault))
    else:
        codes = sorted({error.code for error in problem.errors})
        kind = type(fault).__name__
        log.info("request_refused", code=problem.code, status=problem.status, errors=codes, fault=kind)
    if _asks_for_page(request):
        answer: Response[Any] = request.app.state.console.problem(request, problem, fault)
        return share(request, answer)
    return share(request, problem.response())


def _asks_for_page(request: Request[Any, Any, Any]) -> bool:
    endpoint = endpoint_at(request)
    if endpoint is None or not endpoint.is_page or "text/html" not in request.headers.get("accept", ""):
        return False
    # A part of a page is put into one by a script, which has to see how it went.
    return "part" not in request.query_params


def problem_of(request: Request[Any, Any, Any], fault: Exception) -> Problem:
    if isinstance(fault, Refusal):
        return _of_refusal(fault)
    if isinstance(fault, ValidationException):
        return _of_refusal(_of_litestar(fault))
    if isinstance(fault, NotFoundException):
        faults = malformed_path_fault(request.app.state.routes, request.scope["path"])
        return _of_refusal(_malformed_path(faults)) if faults else _of_http(fault)
    if isinstance(fault, HTTPException) and fault.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _of_http(fault)
    return _of_failure(fault)


def _of_failure(fault: Exception) -> Problem:
    if is_passing(fault):
        return UNAVAILABLE
    if isinstance(fault, InternalServerException) and "client disconnected" in fault.detail:
        return CLIENT_GONE
    return INTERNAL


UNAVAILABLE = Problem(
    "temporarily_unavailable",
    "Temporarily unavailable",
    503,
    "something that this needs is away for a moment; send the same request again soon",
    headers={"Retry-After": str(RETRY_SECONDS)},
)
CLIENT_GONE = Problem("client_gone", "The client went away", 400, "the request was not sent to its end")
INTERNAL = Problem("internal", "Internal error", 500, "something failed here; report it with the request id")


def _malformed_path(faults: list[FieldError]) -> InvalidRequest:
    return InvalidRequest("a part of the path has the wrong form", errors=tuple(faults))


def _of_refusal(refusal: Refusal) -> Problem:
    return Problem(
        refusal.code,
        refusal.title,
        int(refusal.status),
        refusal.detail,
        refusal.errors,
        refusal.ids,
        _refusal_headers(refusal),
    )


def _refusal_headers(refusal: Refusal) -> dict[str, str]:
    """A refusal that knows when to come again says so as `retry_after_seconds`."""
    match refusal.status:
        case HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": 'Bearer realm="waybill"'}
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": str(getattr(refusal, "retry_after_seconds", RETRY_SECONDS))}
    return {}


def _of_litestar(invalid: ValidationException) -> InvalidRequest:
    """A fault that only Litestar's own conversion sees: its messages can hold the value, so they are not passed on."""
    told = invalid.extra if isinstance(invalid.extra, list) else []
    faults = [FieldError(str(fault.get("key", "")), "invalid", "Input is not valid") for fault in told]
    return InvalidRequest("the request does not have the form that is documented", errors=tuple(faults))


def _of_http(fault: HTTPException) -> Problem:
    status = fault.status_code
    code, title, detail = _HTTP_PROBLEMS.get(status, (f"http_{status}", HTTPStatus(status).phrase, "refused"))
    headers = {"Allow": fault.headers["allow"]} if fault.headers and "allow" in fault.headers else {}
    return Problem(code, title, status, detail, headers=headers)
