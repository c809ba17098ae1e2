"""The operators' console: one shell, one design language and one way to declare a room, for all services' pages."""

from chassis.console.page import Console
from chassis.http.auth import page_for
from chassis.http.forms import Form

__all__ = ["Console", "Form", "page_for"]
