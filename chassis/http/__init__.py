"""The HTTP edge: what a service's http.py needs is here by name."""

from chassis.http.auth import Operator, public, requires, signed_in
from chassis.http.bodies import Body, Line, Text
from chassis.http.endpoints import route_guards
from chassis.http.given import Given
from chassis.http.instants import AwareInstant

__all__ = [
    "AwareInstant",
    "Body",
    "Given",
    "Line",
    "Operator",
    "Text",
    "public",
    "requires",
    "route_guards",
    "signed_in",
]
