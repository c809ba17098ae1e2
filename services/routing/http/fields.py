"""The fields of routing's bodies: the domain's rules as pydantic runs them, so that all faults come at once."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.http import Line, Text
from contracts.forms import LONGEST_EMAIL, LONGEST_SERVICE, abn, email_address, service_slug
from contracts.phones import e164
from services.routing.domain.profile import normal_time_zone


def _written_out(instant: object) -> object:
    """Pydantic would take a bare number for seconds since 1970."""
    if isinstance(instant, str) and not re.match(r"[0-9]{4}-", instant):
        raise PydanticCustomError("datetime_parsing", "Input should be an instant as 2026-03-03T02:15:04Z")
    return instant


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "Input should have timezone info")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_range", "Input should be an instant of our era") from None


AwareInstant = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""For parameters: what pydantic's own AwareDatetime is, Litestar does not know."""
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
