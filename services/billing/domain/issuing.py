"""The gate before issue: everything that stands in the way, at once, each with its code and who can mend it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.values import InvoiceKind
from services.billing.domain.tax_invoice import Blocker, Face, Owner, missing_elements

STRIPE_INVOICE_PATTERN = r"^in_[A-Za-z0-9_]{6,240}$"
STRIPE_CUSTOMER_PATTERN = r"^cus_[A-Za-z0-9_]{6,240}$"
STRIPE_PAYMENT_PATTERN = r"^(pi|py|ch)_[A-Za-z0-9_]{6,240}$"
TOTAL_MISMATCH = "stripe_total_mismatch"
DEAD_AT_STRIPE = frozenset({"void", "uncollectible", "deleted"})


@dataclass(frozen=True, slots=True)
class StripeFacts:
    """The referenced Stripe invoice, looked up before the transaction; `found` is false where there is none."""

    invoice_id: str
    found: bool
    total_cents: int = 0
    currency: str = ""
    status: str = ""
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the gate looks at. `stripe` is None where no key is set: then form and uniqueness are checked alone."""

    kind: InvoiceKind
    face: Face
    currency: str
    buyer_email: str
    stripe_invoice_id: str | None
    stripe_customer_id: str | None
    stripe: StripeFacts | None
    held_assignment_ids: Sequence[UUID] = ()
    unbilled_count: int = 0
    unrecorded_count: int = 0


def issue_blockers(readiness: Readiness) -> tuple[Blocker, ...]:
    return (
        *missing_elements(readiness.face),
        *_mail_blockers(readiness),
        *_ledger_blockers(readiness),
        *_stripe_blockers(readiness),
    )


def _mail_blockers(readiness: Readiness) -> Iterator[Blocker]:
    if not readiness.buyer_email.strip():
        yield Blocker("buyer_email_missing", "the account has no billing e-mail to send it to", Owner.INSTALLER_CARE)


def _ledger_blockers(readiness: Readiness) -> Iterator[Blocker]:
    if readiness.face.total_cents < 0:
        yield Blocker("total_negative", "an invoice cannot ask for less than nothing", Owner.FINANCE)
    if readiness.face.gst_cents < 0:
        yield Blocker("gst_negative", "a discount takes more off the taxable lines than they come to", Owner.FINANCE)
    if readiness.held_assignment_ids:
        held = ", ".join(str(id_) for id_ in readiness.held_assignment_ids)
        yield Blocker("held_deliveries", f"deliveries of the period have no price: {held}", Owner.FINANCE)
    if readiness.unrecorded_count:
        number = readiness.unrecorded_count
        detail = f"{number} deliveries that may be of the period could not be recorded: replay or discard them"
        yield Blocker("deliveries_unrecorded", detail, Owner.PLATFORM)
    if readiness.unbilled_count:
        detail = f"{readiness.unbilled_count} deliveries of the period are not on the draft: generate drafts again"
        yield Blocker("draft_is_stale", detail, Owner.FINANCE)


def _stripe_blockers(readiness: Readiness) -> Iterator[Blocker]:
    if readiness.stripe_invoice_id is None:
        if readiness.kind is InvoiceKind.INSTALLER:
            detail = "create the invoice in Stripe from the export and give its id"
            yield Blocker("stripe_reference_missing", detail, Owner.FINANCE)
        return
    if readiness.stripe is not None:
        yield from _mismatches(readiness, readiness.stripe)


def _mismatches(readiness: Readiness, stripe: StripeFacts) -> Iterator[Blocker]:
    if not stripe.found:
        yield Blocker("stripe_invoice_unknown", f"Stripe has no invoice {stripe.invoice_id}", Owner.FINANCE)
        return
    if stripe.status in DEAD_AT_STRIPE:
        yield Blocker("stripe_invoice_not_open", f"the Stripe invoice is {stripe.status}", Owner.FINANCE)
    if stripe.currency.upper() != readiness.currency:
        detail = f"ours is in {readiness.currency}, Stripe's in {stripe.currency.upper()}"
        yield Blocker("stripe_currency_mismatch", detail, Owner.FINANCE)
    if stripe.total_cents != readiness.face.total_cents:
        detail = f"ours is {dollars(readiness.face.total_cents)}, Stripe's is {dollars(stripe.total_cents)}"
        yield Blocker(TOTAL_MISMATCH, detail, Owner.FINANCE)
    if readiness.stripe_customer_id and stripe.customer_id not in {None, readiness.stripe_customer_id}:
        yield Blocker("stripe_customer_mismatch", "the Stripe invoice is another customer's", Owner.FINANCE)


def dollars(cents: int) -> str:
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02}"
