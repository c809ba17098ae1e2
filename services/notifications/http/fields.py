"""Fields that several bodies and parameters share."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.http import Text
from services.notifications.domain.addresses import LONGEST_ADDRESS, is_deliverable, normalised
from services.notifications.settings import DEFAULT_SECRET


def _mailbox(address: str) -> str:
    if not is_deliverable(address):
        raise PydanticCustomError("email_invalid", "Input should be one e-mail address")
    return normalised(address)


def _written_out(instant: object) -> object:
    """Pydantic would take a bare number for seconds since 1970."""
    if isinstance(instant, str) and not re.match(r"[0-9]{4}-", instant):
        raise PydanticCustomError("datetime_parsing", "Input should be an instant as 2026-03-03T02:15:04Z")
    return instant


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "Input should have timezone info")
    return instant


Mailbox = Annotated[Text, StringConstraints(max_length=LONGEST_ADDRESS), AfterValidator(_mailbox)]
Reason = Annotated[Text, StringConstraints(max_length=500)]
SecretName = Annotated[str, StringConstraints(max_length=100, pattern=f"^{DEFAULT_SECRET}(_[A-Z0-9]+)*$")]
AwareInstant = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_aware)]
"""For parameters: what pydantic's own AwareDatetime is, Litestar does not know."""
