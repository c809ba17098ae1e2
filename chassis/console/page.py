"""A page of the console: its template, the shell around it, and the headers under which a browser shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import Request, Response
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console.assets import assets
from chassis.console.navigation import Navigation
from chassis.console.onward import Onward
from chassis.console.rooms import SERVICE_TITLES, Addresses
from chassis.console.siblings import BULK_ACTIONS
from chassis.console.wording import Wording
from chassis.http.auth import NotSignedIn, Operator, StepUpRequired
from chassis.http.forms import CSRF_FIELD, FIELDS_KEY, ForeignForm
from chassis.http.problems import Problem
from chassis.settings import ServiceSettings
from chassis.telemetry.context import current_request_id

HTML = "text/html"
RENEW = "/console/session/renew"
STEP_UP = "/console/step-up"
TEMPLATES = Path(__file__).parent / "templates"
SERVICES = Path(__file__).parents[2] / "services"


@dataclass(frozen=True, slots=True)
class Resumption:
    """What an operator was about to send when a fresh second factor was asked for."""

    action: str
    fields: list[tuple[str, str]]


class Console:
    """What a service's pages are made with; handlers get it as `console: Given[Console]`."""

    def __init__(self, service: str, settings: ServiceSettings, clock: Clock) -> None:
        self.service = service
        self.settings = settings
        self.clock = clock
        self.addresses = Addresses(settings.console_addresses)
        self.wording = Wording(settings.zone, clock)
        self._templates = _templates(service)
        self._templates.filters.update(self.wording.filters())
        self._templates.globals |= {
            "assets": assets(),
            "icon": assets().icon,
            "wording": self.wording,
            "address": self.addresses.url,
            "desk": self.addresses.desk,
            "service": service,
            "service_titles": SERVICE_TITLES,
            "bulk_action_path": partial(BULK_ACTIONS.path_of, service),
            "environment": settings.environment.value,
            "zone": settings.business_time_zone,
        }
        self._navigation = Navigation(self._templates, is_local=settings.is_local)
        self._headers = _headers(self.addresses)

    def page(
        self,
        request: Request[Any, Any, Any],
        template: str,
        context: Mapping[str, Any] | None = None,
        *,
        room: str = "",
        status: int = HTTPStatus.OK,
    ) -> Response[str]:
        """`room` is the one that the navigation marks as where we are."""
        operator = request.scope.get("user")
        me = operator if isinstance(operator, Operator) else None
        authenticator = request.app.state.authenticator
        navigation = self._navigation.drawn(me.capabilities if me else None, room)
        shell = {
            "me": me,
            "csrf": me.csrf if me else "",
            "room": room,
            "navigation": navigation,
            "services": navigation.services,
            "now": self.clock.now(),
            "is_stepped_up": me is not None and authenticator.has_fresh_second_factor(me),
            "here": str(request.url.path),
        }
        text = self._templates.get_template(template).render({**shell, **(context or {})})
        return Response(text, status_code=status, media_type=HTML, headers=self._headers)

    def redirect(self, url: str) -> Redirect:
        """After a form was done, so that a reload sends nothing twice."""
        return Onward(url, status_code=303)

    def problem(self, request: Request[Any, Any, Any], problem: Problem, fault: Exception) -> Response[Any]:
        """A fault of a page, for a person: what happened, what was kept, and the way on."""
        if isinstance(fault, NotSignedIn) and request.method == "GET":
            return self.redirect(self.addresses.url("identity", f"{RENEW}?next={quote(self.own_url(request))}"))
        if isinstance(fault, StepUpRequired):
            return self._step_up(request)
        context = {
            "problem": problem,
            "fields": self._kept(request),
            "is_signed_out": isinstance(fault, NotSignedIn),
            "can_be_resent": isinstance(fault, ForeignForm) and _came_from_here(request),
            "request_id": current_request_id(),
        }
        return self.page(request, "problem.html", context, status=problem.status)

    def own_url(self, request: Request[Any, Any, Any]) -> str:
        """As the browser knows it: at the address of the settings, not at the one that a header claims."""
        query = f"?{request.url.query}" if request.url.query else ""
        return self.addresses.url(self.service, request.url.path + query)

    def _step_up(self, request: Request[Any, Any, Any]) -> Response[Any]:
        action = self.own_url(request) if request.method == "POST" else ""
        resumed = Resumption(action, self._kept(request))
        return self.page(request, "step_up.html", {"resumed": resumed, "fault": None}, status=HTTPStatus.FORBIDDEN)

    def _kept(self, request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
        """What a form had sent, so that nobody has to write it again; passwords stand in no page."""
        fields = request.scope["state"].get(FIELDS_KEY, [])
        return [(name, value) for name, value in fields if name != CSRF_FIELD and "password" not in name]


def _came_from_here(request: Request[Any, Any, Any]) -> bool:
    """By the browser's own word: a page of ours sent it, which a newer session has outlived."""
    return request.headers.get("sec-fetch-site") == "same-origin"


def _templates(service: str) -> Environment:
    """A service without rooms has no directory of its own, which the loader passes over."""
    return Environment(
        loader=FileSystemLoader([SERVICES / service / "pages", TEMPLATES]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _headers(addresses: Addresses) -> dict[str, str]:
    origins = " ".join(["'self'", *addresses.origins])
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": origins,
        "form-action": origins,
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def path_of(url: str) -> str:
    return urlsplit(url).path
