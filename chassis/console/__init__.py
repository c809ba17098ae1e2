"""The operators' console: one shell, one design language and one way to declare a room, for all services' pages."""

from chassis.console.page import Console
from chassis.console.routes import form_at, page_at
from chassis.http.auth import page_for
from chassis.http.forms import Form

__all__ = ["Console", "Form", "form_at", "page_at", "page_for"]
