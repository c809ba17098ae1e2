"""The fields of intake's bodies: the domain's rules as pydantic runs them, so that all faults come at once."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from chassis.http import Line, Text
from contracts.forms import LONGEST_EMAIL, LONGEST_SERVICE, abn, email_address, service_slug
from contracts.phones import e164
from services.intake import domain


def _postcode_of_state(postcode: str, info: ValidationInfo) -> str:
    """Where the state has a fault of its own, that one is told alone."""
    state = info.data.get("state")
    if state is not None:
        domain.check_postcode(postcode, state)
    return postcode


def _written_out(instant: object) -> object:
    """Pydantic would take a bare number for seconds since 1970."""
    if isinstance(instant, str) and not re.match(r"[0-9]{4}-", instant):
        raise PydanticCustomError("datetime_parsing", "Input should be an instant as 2026-03-03T02:15:04Z")
    return instant


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "Input should have timezone info")
    return instant


AwareInstant = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_aware)]
"""For parameters: what pydantic's own AwareDatetime is, Litestar does not know."""
PersonName = Annotated[Text, StringConstraints(max_length=200), AfterValidator(domain.one_line)]
Street = Annotated[Text, StringConstraints(max_length=200), AfterValidator(domain.one_line)]
Suburb = Annotated[Text, StringConstraints(max_length=100), AfterValidator(domain.one_line)]
Phone = Annotated[Text, StringConstraints(max_length=40), AfterValidator(e164)]
Email = Annotated[Text, StringConstraints(max_length=LONGEST_EMAIL), AfterValidator(email_address)]
ServiceSlug = Annotated[Text, StringConstraints(max_length=LONGEST_SERVICE), AfterValidator(service_slug)]
WebAddress = Annotated[Text, StringConstraints(max_length=2000), AfterValidator(domain.web_address)]
Postcode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$", max_length=4), AfterValidator(_postcode_of_state)]
"""Stands after `state` in its model: it is checked against it."""
Abn = Annotated[Line, StringConstraints(max_length=20), AfterValidator(abn)]
