"""The fields of intake's bodies: the domain's rules as pydantic runs them, so that all faults come at once."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints, ValidationInfo

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


PersonName = Annotated[Text, StringConstraints(max_length=200), AfterValidator(domain.one_line)]
Street = Annotated[Text, StringConstraints(max_length=200), AfterValidator(domain.one_line)]
Suburb = Annotated[Text, StringConstraints(max_length=100), AfterValidator(domain.one_line)]
Phone = Annotated[Text, StringConstraints(max_length=40), AfterValidator(e164)]
Email = Annotated[Text, StringConstraints(max_length=LONGEST_EMAIL), AfterValidator(email_address)]
ServiceSlug = Annotated[Text, StringConstraints(max_length=LONGEST_SERVICE), AfterValidator(service_slug)]
WebAddress = Annotated[Text, StringConstraints(max_length=2000), AfterValidator(domain.web_address)]
GivenAt = Annotated[Text, StringConstraints(max_length=40), AfterValidator(domain.instant)]
NetworkAddress = Annotated[Text, StringConstraints(max_length=45), AfterValidator(domain.network_address)]
Postcode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$", max_length=4), AfterValidator(_postcode_of_state)]
"""Stands after `state` in its model: it is checked against it."""
Abn = Annotated[Line, StringConstraints(max_length=20), AfterValidator(abn)]
