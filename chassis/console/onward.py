"""Where a form leads once it is done: for a browser a redirect, for a script that sent it the address to go to."""

from typing import Any

from litestar import Litestar, Request, Response
from litestar.response import Redirect
from litestar.response.base import ASGIResponse


class Onward(Redirect):
    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:
        """A script cannot see where a redirect leads, and would have the page made twice if it followed."""
        accepted = request.headers.get("accept", "")
        if "application/json" not in accepted or "text/html" in accepted:
            return super().to_asgi_response(app, request, **options)
        answer = Response({"location": self.url}, headers={**self.headers, "Cache-Control": "no-store"})
        answer.cookies = self.cookies
        return answer.to_asgi_response(app, request, **{**options, "status_code": 200, "media_type": None})
