"""An invoice beside the Stripe invoice that it refers to, line by line: asked of Stripe with no transaction open."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Database
from chassis.errors import FieldError
from services.billing.domain.issuing import TOTAL_MISMATCH
from services.billing.domain.stripe_lines import LINE_DIFFERS, Compared, Item, compare, told_briefly
from services.billing.errors import NotReadyToIssue, StripeAway, StripeInvoiceUnknown, StripeNotConnected
from services.billing.queries import invoices, month_exports
from services.billing.queries.month_exports import ExportItem
from services.billing.stripe_gateway import Refused, StripeGateway, StripeLine, Unknown


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both totals with GST."""

    invoice_id: UUID
    stripe_invoice_id: str
    our_total_cents: int
    their_total_cents: int
    lines: Sequence[Compared]

    @property
    def difference_cents(self) -> int:
        return self.their_total_cents - self.our_total_cents


async def compare_at_stripe(
    database: Database, gateway: StripeGateway | None, invoice_id: UUID, stripe_invoice_id: str | None = None
) -> Comparison:
    """Under the given reference, else under the one that the invoice keeps."""
    if gateway is None:
        raise StripeNotConnected("no key of Stripe is set: references are typed in, and nothing is looked up")
    async with database.reading() as session:
        invoice = await invoices.find(session, invoice_id)
        ours = (await month_exports.items_of(session, [invoice_id]))[invoice_id]
    reference = stripe_invoice_id or invoice.stripe_invoice_id
    if reference is None:
        raise StripeInvoiceUnknown("the invoice keeps no Stripe reference yet", invoice_id=invoice_id)
    found, theirs = await gateway.invoice(reference), await gateway.lines(reference)
    for answer in (found, theirs):
        if isinstance(answer, Unknown):
            raise StripeAway(f"Stripe did not answer ({answer.reason}); nothing was changed")
    if isinstance(found, Refused | Unknown) or isinstance(theirs, Refused | Unknown):
        raise StripeInvoiceUnknown(f"Stripe has no invoice {reference}", invoice_id=invoice_id)
    lines = compare([_ours(item) for item in ours], [_theirs(line) for line in theirs.found])
    return Comparison(invoice_id, reference, invoice.total_cents, found.found.total_cents, lines)


def _ours(item: ExportItem) -> Item:
    return Item(item.description, item.quantity, item.unit_price_cents, item.amount_cents, item.gst_cents)


def _theirs(line: StripeLine) -> Item:
    return Item(line.description, line.quantity, line.unit_amount_cents, line.amount_cents, line.tax_cents)


@asynccontextmanager
async def telling_lines(
    database: Database, gateway: StripeGateway | None, invoice_id: UUID, stripe_invoice_id: str | None
) -> AsyncIterator[None]:
    """Around an issue: where it is refused for its total, the refusal names each line that differs, on both sides."""
    try:
        yield
    except NotReadyToIssue as refused:
        if gateway is not None and any(each.code == TOTAL_MISMATCH for each in refused.errors):
            lines = await lines_at_stripe(database, gateway, invoice_id, stripe_invoice_id)
            refused.errors = (*refused.errors, *_faults(lines))
            refused.detail = "; ".join([refused.detail, *told_briefly(lines)])
        raise


async def lines_at_stripe(
    database: Database, gateway: StripeGateway, invoice_id: UUID, stripe_invoice_id: str | None
) -> Sequence[Compared]:
    """None where Stripe falls silent meanwhile: what is said of the total stands without them."""
    try:
        return (await compare_at_stripe(database, gateway, invoice_id, stripe_invoice_id)).lines
    except (StripeAway, StripeInvoiceUnknown):
        return ()


def _faults(lines: Sequence[Compared]) -> tuple[FieldError, ...]:
    return tuple(
        FieldError(f"lines.{number}", LINE_DIFFERS, line.told)
        for number, line in enumerate(lines, start=1)
        if line.is_of_money
    )
