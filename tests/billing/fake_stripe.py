"""Stripe's invoices in this process, for tests that are not about the wire. It passes the gateway's own suite."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.billing.stripe_gateway import Refused, StripeInvoice, StripeLine, StripePayment, Succeeded, Unknown


class FakeStripe:
    """What the gateway answers from; `silent` is how many of the next questions stay without an answer."""

    def __init__(self) -> None:
        self.invoices: dict[str, StripeInvoice] = {}
        self.paid: dict[str, list[StripePayment]] = {}
        self.items: dict[str, list[StripeLine]] = {}
        self.silent = 0
        self.questions = 0
        self._made = 0

    def add_invoice(self, total_cents: int, *, customer_id: str | None = None, lines: Sequence[StripeLine] = ()) -> str:
        self._made += 1
        id_ = f"in_fake{self._made:012}"
        self.invoices[id_] = StripeInvoice(id_, "open", total_cents, "aud", customer_id)
        self.paid[id_] = []
        self.items[id_] = list(lines)
        return id_

    def pay(self, invoice_id: str, amount_cents: int) -> str:
        self._made += 1
        payment = StripePayment(f"pi_fake{self._made:012}", amount_cents, "aud", datetime.now(UTC))
        self.paid[invoice_id].append(payment)
        return payment.reference

    def void(self, invoice_id: str) -> None:
        invoice = self.invoices[invoice_id]
        self.invoices[invoice_id] = StripeInvoice(
            invoice.id, "void", invoice.total_cents, invoice.currency, invoice.customer_id
        )

    async def invoice(self, invoice_id: str) -> Succeeded[StripeInvoice] | Refused | Unknown:
        if self._stays_silent():
            return Unknown("no_answer")
        found = self.invoices.get(invoice_id)
        return Succeeded(found) if found else Refused("resource_missing")

    async def lines(self, invoice_id: str) -> Succeeded[list[StripeLine]] | Refused | Unknown:
        if self._stays_silent():
            return Unknown("no_answer")
        return Succeeded(self.items[invoice_id]) if invoice_id in self.items else Refused("resource_missing")

    async def payments(self, invoice_id: str) -> Succeeded[list[StripePayment]] | Refused | Unknown:
        if self._stays_silent():
            return Unknown("no_answer")
        return Succeeded([payment for payment in self.paid.get(invoice_id, ()) if payment.amount_cents])

    async def close(self) -> None:
        """Nothing is open."""

    def _stays_silent(self) -> bool:
        self.questions += 1
        self.silent -= 1
        return self.silent >= 0
