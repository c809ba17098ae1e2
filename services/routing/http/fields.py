"""The fields of routing's bodies: the domain's rules as pydantic runs them, so that all faults come at once."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.http import Line, Text
from services.routing.domain import profile


def ruled(code: str, rule: Callable[[str], str]) -> AfterValidator:
    """The rule as a validator; its fault has the stable `code` and the rule's own message."""

    def validate(value: str) -> str:
        try:
            return rule(value)
        except ValueError as fault:
            raise PydanticCustomError(code, "{message}", {"message": str(fault)}) from None

    return AfterValidator(validate)


Abn = Annotated[Line, StringConstraints(max_length=20), ruled("abn_invalid", profile.normal_abn)]
Email = Annotated[Line, StringConstraints(max_length=254), ruled("email_invalid", profile.normal_email)]
Phone = Annotated[Line, StringConstraints(max_length=40), ruled("phone_invalid", profile.normal_phone)]
ServiceSlug = Annotated[Line, StringConstraints(max_length=80), ruled("service_invalid", profile.normal_service)]
TimeZone = Annotated[
    Line,
    StringConstraints(max_length=64),
    ruled("time_zone_unknown", profile.normal_time_zone),
    Field(examples=["Australia/Sydney"]),
]
Address = Annotated[Text, StringConstraints(max_length=500)]
Note = Annotated[Text, StringConstraints(max_length=1000)]
Postcode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$", max_length=4)]
Limit = Annotated[int, Field(ge=0, le=100_000, description="leads per window; null is no limit, 0 takes none")]
