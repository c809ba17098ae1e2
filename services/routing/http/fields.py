"""The fields of routing's bodies: the domain's rules as pydantic runs them, so that all faults come at once."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from chassis.http import Body, Line, Text
from contracts.forms import LONGEST_EMAIL, LONGEST_SERVICE, abn, email_address, service_slug
from contracts.phones import e164
from services.routing.domain.profile import normal_time_zone

Abn = Annotated[Line, StringConstraints(max_length=20), AfterValidator(abn)]
Email = Annotated[Line, StringConstraints(max_length=LONGEST_EMAIL), AfterValidator(email_address)]
Phone = Annotated[Line, StringConstraints(max_length=40), AfterValidator(e164)]
ServiceSlug = Annotated[Line, StringConstraints(max_length=LONGEST_SERVICE), AfterValidator(service_slug)]
TimeZone = Annotated[
    Line,
    StringConstraints(max_length=64),
    AfterValidator(normal_time_zone),
    Field(examples=["Australia/Sydney"]),
]
Address = Annotated[Text, StringConstraints(max_length=500)]
Note = Annotated[Text, StringConstraints(max_length=1000)]
Postcode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$", max_length=4)]
Limit = Annotated[int, Field(ge=0, le=100_000, description="leads per window; null is no limit, 0 takes none")]


class Why(Body):
    """Of a deed that says enough by itself: where a reason is given, it stands in the timeline."""

    reason: Note | None = None
