"""What an equality of the books is: two sides, compared row by row in one statement."""

from dataclasses import dataclass
from enum import StrEnum

from services.billing.domain.certificate import Unit


class About(StrEnum):
    """What the key of a row names."""

    ACCOUNT = "account"
    ADJUSTMENT = "adjustment"
    DELIVERY = "delivery"
    ASSIGNMENT = "assignment"
    INVOICE = "invoice"
    NUMBER = "number"
    PAYMENT = "payment"
    PAYOUT = "payout"
    POSTING = "posting"
    RECEIPT = "receipt"
    REVERSAL = "reversal"
    SOURCE = "source"
    WRITE_OFF = "write_off"
    STRIPE = "stripe"


@dataclass(frozen=True, slots=True)
class Equality:
    """`rows` gives key, left_side and right_side: one row for each thing that is compared, null where it is missing.

    `title` says what is claimed; `left` and `right` name the two sides. `rows` may ask for `:as_of`.
    """

    name: str
    title: str
    left: str
    right: str
    about: About
    rows: str
    unit: Unit = Unit.CENTS
