"""Fields that several bodies and parameters share."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.http import Text
from services.notifications.domain.addresses import LONGEST_ADDRESS, is_deliverable, normalised
from services.notifications.settings import DEFAULT_SECRET


def _mailbox(address: str) -> str:
    if not is_deliverable(address):
        raise PydanticCustomError("email_invalid", "Input should be one e-mail address")
    return normalised(address)


Mailbox = Annotated[Text, StringConstraints(max_length=LONGEST_ADDRESS), AfterValidator(_mailbox)]
Reason = Annotated[Text, StringConstraints(max_length=500)]
SecretName = Annotated[str, StringConstraints(max_length=100, pattern=f"^{DEFAULT_SECRET}(_[A-Z0-9]+)*$")]
