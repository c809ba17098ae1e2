"""The fields of billing's bodies and parameters: bounded, so that a column can hold what comes in."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.http import Line, Text
from services.billing.domain.issuing import (
    STRIPE_CUSTOMER_PATTERN,
    STRIPE_INVOICE_PATTERN,
    STRIPE_PAYMENT_PATTERN,
)
from services.billing.domain.periods import MONTH_PATTERN

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LARGEST_AMOUNT_CENTS = 10_000_000_000
LARGEST_PRICE_CENTS = 100_000_000


def _written_out(instant: object) -> object:
    """Pydantic would take a bare number for seconds since 1970."""
    if isinstance(instant, str) and not re.match(r"[0-9]{4}-", instant):
        raise PydanticCustomError("datetime_parsing", "Input should be an instant as 2026-03-03T02:15:04Z")
    return instant


def _within_reason(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "Input should have timezone info")
    if not EARLIEST <= instant < LATEST:
        raise PydanticCustomError("instant_out_of_range", "Input should be from 2000 to 2199")
    return instant.astimezone(UTC)


AwareInstant = Annotated[datetime, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_within_reason)]
"""With its offset, in parameters too; what comes out is in UTC."""
AmountCents = Annotated[int, Field(ge=1, le=LARGEST_AMOUNT_CENTS, description="in cents")]
PriceCents = Annotated[int, Field(ge=0, le=LARGEST_PRICE_CENTS, description="in cents, for one lead")]
Month = Annotated[str, StringConstraints(pattern=MONTH_PATTERN, max_length=7)]
StripeInvoiceId = Annotated[
    str, StringConstraints(pattern=STRIPE_INVOICE_PATTERN, max_length=255), Field(examples=["in_1Nxe8TLkdIwHu7ix"])
]
StripeCustomerId = Annotated[
    str, StringConstraints(pattern=STRIPE_CUSTOMER_PATTERN, max_length=255), Field(examples=["cus_Na6dX7aXxi11N4"])
]
StripePaymentId = Annotated[
    str, StringConstraints(pattern=STRIPE_PAYMENT_PATTERN, max_length=255), Field(examples=["pi_3PqT2cLkdIwHu7ix"])
]
WebAddress = Annotated[Line, StringConstraints(pattern=r"^https://[^\s]+$", max_length=2000)]
Reference = Annotated[Line, StringConstraints(max_length=120)]
Note = Annotated[Text, StringConstraints(max_length=1000)]
LineNo = Annotated[int, Field(ge=1, le=1_000_000)]
