"""A lead as its source hands it in: what its fields take, and how that is told to who writes the source's program."""

from contextvars import ContextVar
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from chassis.http import Body, Text
from contracts.values import AustralianState, SelectedPath
from services.intake.domain import SUBMISSION_KEY, LeadContent
from services.intake.http.fields import (
    Email,
    GivenAt,
    NetworkAddress,
    PersonName,
    Phone,
    Postcode,
    ServiceSlug,
    Street,
    Suburb,
    WebAddress,
)

header_key: ContextVar[str | None] = ContextVar("idempotency_key", default=None)
"""The header's key, for the body's validation: what is wrong between the two is told with all other faults."""


def _agreed(in_body: str | None) -> str:
    in_header = header_key.get()
    if in_body is not None and in_header is not None and in_body != in_header:
        raise PydanticCustomError("submission_keys_differ", "must be the same as the header Idempotency-Key")
    key = in_body or in_header
    if key is None:
        raise PydanticCustomError("missing", "Field required, or the header Idempotency-Key")
    return key


class AddressOfLead(Body):
    """Where the work is to be done."""

    street: Annotated[Street, Field(description="Number and street, in one line")]
    suburb: Annotated[Suburb, Field(description="Suburb or town")]
    state: Annotated[AustralianState, Field(description="State or territory, in its letters")]
    postcode: Annotated[Postcode, Field(description="Four digits, of the state that is given")]


class ConsentOfLead(Body):
    """What the person was shown and agreed to, and on which page, when and from where.

    Instant and address of the request are kept beside these, which are what the source says.
    """

    text: Annotated[Text, Field(description="The very words that the person was shown")]
    url: Annotated[WebAddress, Field(description="The page they stood on: http or https")]
    given_at: Annotated[
        GivenAt | None, Field(description="When they agreed: ISO 8601 with its zone. It is kept as what you say")
    ] = None
    remote_address: Annotated[
        NetworkAddress | None,
        Field(description="The network address they agreed from: IPv4 or IPv6. It is kept as what you say"),
    ] = None


class LeadSubmission(Body):
    """A lead as its source hands it in. The key makes it one lead for ever, however often it is sent."""

    client_submission_key: Annotated[
        str | None, Field(pattern=SUBMISSION_KEY, max_length=200), AfterValidator(_agreed)
    ] = Field(
        None,
        validate_default=True,
        description="Yours, another for each lead, for ever; visible ASCII. The header Idempotency-Key can carry it",
    )
    selected_path: Annotated[SelectedPath, Field(description="What the person chose: one installer, or several quotes")]
    service: Annotated[ServiceSlug, Field(description="Words of a-z and digits joined by - or _, as solar-battery")]
    name: Annotated[PersonName, Field(description="The person's name, in one line")]
    email: Annotated[Email, Field(description="One e-mail address, without a display name")]
    phone: Annotated[Phone, Field(description="With country code, or as it is dialled in Australia")]
    address: AddressOfLead
    consent: ConsentOfLead
    test: bool = Field(False, description="True makes it a test: checked and answered, and nothing comes of it")

    def content(self) -> LeadContent:
        return LeadContent(
            selected_path=self.selected_path,
            service=self.service,
            name=self.name,
            email=self.email,
            phone=self.phone,
            street=self.address.street,
            suburb=self.address.suburb,
            state=self.address.state,
            postcode=self.address.postcode,
            consent_text=self.consent.text,
            consent_url=self.consent.url,
            consent_given_at=self.consent.given_at,
            consent_remote_address=self.consent.remote_address,
        )
