"""The fields of billing's bodies and parameters: bounded, so that a column can hold what comes in."""

from typing import Annotated

from pydantic import Field, StringConstraints

from chassis.http import Line, Text
from services.billing.domain.issuing import (
    STRIPE_CUSTOMER_PATTERN,
    STRIPE_INVOICE_PATTERN,
    STRIPE_PAYMENT_PATTERN,
)
from services.billing.domain.periods import MONTH_PATTERN

LARGEST_AMOUNT_CENTS = 10_000_000_000
LARGEST_PRICE_CENTS = 100_000_000


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
