"""The fields of intake's bodies: the domain's rules as pydantic runs them, so that all faults come at once."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from chassis.http import Line, Text
from services.intake import domain
from services.intake.domain import Fault
from services.intake.phones import e164

T = TypeVar("T")


def ruled(rule: Callable[[T], T]) -> AfterValidator:
    """The rule as a validator: its fault's code and message are those of the field."""

    def validate(value: T) -> T:
        try:
            return rule(value)
        except Fault as fault:
            raise PydanticCustomError(fault.code, fault.message) from None

    return AfterValidator(validate)


def _postcode_of_state(postcode: str, info: ValidationInfo) -> str:
    """Where the state has a fault of its own, that one is told alone."""
    state = info.data.get("state")
    if state is not None:
        try:
            domain.check_postcode(postcode, state)
        except Fault as fault:
            raise PydanticCustomError(fault.code, fault.message) from None
    return postcode


PersonName = Annotated[Text, StringConstraints(max_length=200), ruled(domain.one_line)]
Street = Annotated[Text, StringConstraints(max_length=200), ruled(domain.one_line)]
Suburb = Annotated[Text, StringConstraints(max_length=100), ruled(domain.one_line)]
Phone = Annotated[Text, StringConstraints(max_length=40), ruled(e164)]
Email = Annotated[Text, StringConstraints(max_length=domain.MAX_EMAIL), ruled(domain.email_address)]
ServiceSlug = Annotated[Text, StringConstraints(max_length=80), ruled(domain.service_slug)]
WebAddress = Annotated[Text, StringConstraints(max_length=2000), ruled(domain.web_address)]
Postcode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$", max_length=4), AfterValidator(_postcode_of_state)]
"""Stands after `state` in its model: it is checked against it."""
Abn = Annotated[Line, StringConstraints(max_length=20), ruled(domain.abn)]
