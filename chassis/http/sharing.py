"""What the pages of one service may read of another's, in an operator's browser: few routes, by our addresses alone."""

from typing import Any, TypeVar

from litestar import Request, Response

from chassis.http.endpoints import endpoint_at

SHARED = {"is_shared": True}
"""The `opt` of a route whose answers pages at another of the console's addresses may read."""

R = TypeVar("R", bound=Response[Any])


def share(request: Request[Any, Any, Any], answer: R) -> R:
    """Its refusals too, so that a page can tell an ended session from a service that is away."""
    endpoint = endpoint_at(request)
    if endpoint is None or not endpoint.handler.opt.get("is_shared"):
        return answer
    answer.headers["Vary"] = "Origin"
    origin = request.headers.get("origin")
    if origin in request.app.state.console.addresses.origins:
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Allow-Credentials"] = "true"
    return answer
