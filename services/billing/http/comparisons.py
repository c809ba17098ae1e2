"""An invoice against Stripe's, line by line, over HTTP."""

from typing import Self
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from pydantic import BaseModel, Field

from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from services.billing.comparing import Comparison, compare_at_stripe
from services.billing.domain.stripe_lines import Compared, Differs
from services.billing.stripe_gateway import StripeGateway


class ItemView(BaseModel):
    """`unit_amount_cents` is null for a price with fractions of a cent."""

    description: str
    quantity: int
    unit_amount_cents: int | None
    amount_cents: int
    gst_cents: int


class ComparedLine(BaseModel):
    """Null on the side where it lacks; `differences` is empty where both say the same."""

    ours: ItemView | None
    theirs: ItemView | None
    differences: list[Differs]

    @classmethod
    def of(cls, line: Compared) -> Self:
        ours, theirs = (
            ItemView.model_validate(item, from_attributes=True) if item else None for item in (line.ours, line.theirs)
        )
        return cls(ours=ours, theirs=theirs, differences=list(line.differences))


class StripeComparison(BaseModel):
    """`difference_cents` is Stripe's total less ours: it has to be nothing before the issue."""

    invoice_id: UUID
    stripe_invoice_id: str
    our_total_cents: int
    their_total_cents: int
    difference_cents: int
    lines: list[ComparedLine] = Field(description="ours in their order, then those that Stripe alone has")

    @classmethod
    def of(cls, found: Comparison) -> Self:
        return cls(
            invoice_id=found.invoice_id,
            stripe_invoice_id=found.stripe_invoice_id,
            our_total_cents=found.our_total_cents,
            their_total_cents=found.their_total_cents,
            difference_cents=found.difference_cents,
            lines=[ComparedLine.of(line) for line in found.lines],
        )


@get(
    "/admin/billing/invoices/{invoice_id:uuid}/stripe-comparison",
    guards=[requires(Capability.READ_OPS)],
    may_conflict=True,
)
async def get_stripe_comparison(
    invoice_id: FromPath[UUID], database: Given[Database], gateway: Given[StripeGateway | None]
) -> StripeComparison:
    """Asks Stripe for the invoice under the reference that is kept, and tells both side by side; changes nothing."""
    return StripeComparison.of(await compare_at_stripe(database, gateway, invoice_id))


ROUTES = (get_stripe_comparison,)
