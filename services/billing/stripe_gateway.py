"""Stripe as billing reads it: this module calls the SDK, and `stripe_lists` reads what it lists.

Billing asks and never orders, so nothing here needs an idempotency key: a question may be repeated. An answer is
`Succeeded`, `Refused` (Stripe answered, and there is no such thing for us) or `Unknown` (ask again later).
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

import stripe

from services.billing import stripe_lists
from services.billing.domain.reconciliation import About, ItemKind, StripeItem
from services.billing.stripe_lists import EventPage, Page

API_VERSION = "2026-10-28.endive"
MISSING_STATUS = 404

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StripeInvoice:
    """`total_cents` is with tax, `currency` in lower case as Stripe writes it."""

    id: str
    status: str
    total_cents: int
    currency: str
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class StripeLine:
    """`amount_cents` before tax that comes on top; `unit_amount_cents` is None for a price with fractions of a cent."""

    description: str
    quantity: int
    unit_amount_cents: int | None
    amount_cents: int
    tax_cents: int


@dataclass(frozen=True, slots=True)
class StripePayment:
    """One payment of an invoice that succeeded; `reference` stays the same in every event and every answer.

    `amount_cents` is what the customer was charged, also beyond what the invoice asked there.
    """

    reference: str
    amount_cents: int
    currency: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Succeeded(Generic[T_co]):
    found: T_co


@dataclass(frozen=True, slots=True)
class Refused:
    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    reason: str


class StripeGateway(Protocol):
    async def invoice(self, invoice_id: str) -> Succeeded[StripeInvoice] | Refused | Unknown: ...

    async def lines(self, invoice_id: str) -> Succeeded[list[StripeLine]] | Refused | Unknown:
        """All of the invoice's, in Stripe's order."""
        ...

    async def payments(self, invoice_id: str) -> Succeeded[list[StripePayment]] | Refused | Unknown:
        """All that succeeded so far and moved money, the first one first."""
        ...

    async def listed(
        self, kind: ItemKind, since: datetime | None, cursor: str | None
    ) -> Succeeded[Page] | Refused | Unknown:
        """A page of what was made at Stripe since then, the newest first."""
        ...

    async def looked_up(self, about: About, key: str) -> Succeeded[list[StripeItem]] | Refused | Unknown:
        """What Stripe has now of one thing that may differ."""
        ...

    async def events(
        self, types: Sequence[str], since: datetime, cursor: str | None
    ) -> Succeeded[EventPage] | Refused | Unknown:
        """A page of what happened, delivered to us or not; of the last 30 days at most."""
        ...

    async def balance_cents(self, currency: str) -> Succeeded[int] | Refused | Unknown: ...

    async def close(self) -> None: ...


class LiveStripe:
    def __init__(self, api_key: str, api_base: str | None, timeout_seconds: float) -> None:
        self._http = stripe.HTTPXClient(timeout=timeout_seconds)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base} if api_base else {},
            stripe_version=API_VERSION,
            max_network_retries=0,
            http_client=self._http,
        )

    async def invoice(self, invoice_id: str) -> Succeeded[StripeInvoice] | Refused | Unknown:
        try:
            found = await self._client.v1.invoices.retrieve_async(invoice_id)
        except stripe.StripeError as fault:
            return outcome_of(fault)
        status = "deleted" if getattr(found, "deleted", False) else str(found.status)
        return Succeeded(StripeInvoice(found.id, status, found.total, found.currency, _id_of(found.customer)))

    async def lines(self, invoice_id: str) -> Succeeded[list[StripeLine]] | Refused | Unknown:
        try:
            listed = await self._client.v1.invoices.line_items.list_async(invoice_id, {"limit": 100})
            return Succeeded([_line_of(item) async for item in listed.auto_paging_iter()])
        except stripe.StripeError as fault:
            return outcome_of(fault)

    async def payments(self, invoice_id: str) -> Succeeded[list[StripePayment]] | Refused | Unknown:
        try:
            listed = await self._client.v1.invoice_payments.list_async(
                {"invoice": invoice_id, "status": "paid", "limit": 100, "expand": ["data.payment.payment_intent"]}
            )
            payments = [payment_of(item) async for item in listed.auto_paging_iter()]
        except stripe.StripeError as fault:
            return outcome_of(fault)
        # "Paid" with nothing: no money moved, and there is nothing to record.
        moved = [payment for payment in payments if payment.amount_cents]
        return Succeeded(sorted(moved, key=lambda payment: (payment.paid_at, payment.reference)))

    async def listed(
        self, kind: ItemKind, since: datetime | None, cursor: str | None
    ) -> Succeeded[Page] | Refused | Unknown:
        return await _answered(stripe_lists.listed(self._client, kind, since, cursor))

    async def looked_up(self, about: About, key: str) -> Succeeded[list[StripeItem]] | Refused | Unknown:
        return await _answered(stripe_lists.looked_up(self._client, about, key))

    async def events(
        self, types: Sequence[str], since: datetime, cursor: str | None
    ) -> Succeeded[EventPage] | Refused | Unknown:
        return await _answered(stripe_lists.events(self._client, types, since, cursor))

    async def balance_cents(self, currency: str) -> Succeeded[int] | Refused | Unknown:
        return await _answered(stripe_lists.balance_cents(self._client, currency))

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


async def _answered(question: Awaitable[T]) -> Succeeded[T] | Refused | Unknown:
    try:
        return Succeeded(await question)
    except stripe.StripeError as fault:
        return outcome_of(fault)


def outcome_of(fault: stripe.StripeError) -> Refused | Unknown:
    """No such invoice is an answer; a key that is refused, a limit and silence are ours or Stripe's to mend."""
    status = fault.http_status or 0
    if status == MISSING_STATUS:
        return Refused(fault.code or "resource_missing")
    return Unknown(f"http_{status}" if status else "no_answer")


def _line_of(item: stripe.InvoiceLineItem) -> StripeLine:
    price = Decimal(item.pricing.unit_amount_decimal or 0) if item.pricing else None
    is_whole = price is not None and price == price.to_integral_value()
    discounts = sum(each.amount for each in item.discount_amounts or ())
    return StripeLine(
        description=item.description or "",
        quantity=item.quantity or 0,
        unit_amount_cents=int(price) if price is not None and is_whole else None,
        amount_cents=item.amount - discounts,
        tax_cents=sum(each.amount for each in item.taxes or ()),
    )


def payment_of(item: stripe.InvoicePayment) -> StripePayment:
    paid_at = item.status_transitions.paid_at or item.created
    # The payment's own id and not the link's: a person who types one in types that one.
    intent = item.payment.payment_intent
    reference = _id_of(intent or item.payment.charge or item.payment.payment_record) or item.id
    # Stripe credits the invoice with no more than it asked; a late bank debit can be charged whole all the same.
    amount_cents = intent.amount_received if isinstance(intent, stripe.PaymentIntent) else item.amount_paid
    return StripePayment(reference, amount_cents or 0, item.currency, datetime.fromtimestamp(paid_at, UTC))


def _id_of(expandable: object) -> str | None:
    """The id of what Stripe gives as an id or, expanded, as an object."""
    if expandable is None or isinstance(expandable, str):
        return expandable
    return str(getattr(expandable, "id", "")) or None


def is_authentic(body: bytes, signature: str | None, secret: str, tolerance_seconds: int) -> bool:
    """Whether Stripe signed exactly these bytes within the tolerance of the machine's clock."""
    try:
        return bool(stripe.WebhookSignature.verify_header(body, signature, secret, tolerance_seconds))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
