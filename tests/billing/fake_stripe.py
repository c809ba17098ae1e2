"""Stripe's invoices in this process, for tests that are not about the wire. It passes the gateway's own suite."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.billing.domain.reconciliation import About, ItemKind, StripeItem
from services.billing.stripe_gateway import Refused, StripeInvoice, StripeLine, StripePayment, Succeeded, Unknown
from services.billing.stripe_lists import EventPage, Page

PAGE_SIZE = 2
"""So small that a test's few things are several pages."""
OF_ABOUT = {
    About.INVOICE: (ItemKind.INVOICE, "stripe_id"),
    About.CREDIT_NOTE: (ItemKind.CREDIT_NOTE, "source_ref"),
    About.TRANSFER: (ItemKind.MOVEMENT, "source_ref"),
    About.MOVEMENT: (ItemKind.MOVEMENT, "stripe_id"),
}


class FakeStripe:
    """What the gateway answers from; `silent` is how many of the next questions stay without an answer.

    `items` is what its lists show, the oldest first, and `balance` what it keeps for us: a test says both.
    """

    def __init__(self) -> None:
        self.invoices: dict[str, StripeInvoice] = {}
        self.paid: dict[str, list[StripePayment]] = {}
        self.line_items: dict[str, list[StripeLine]] = {}
        self.items: list[StripeItem] = []
        self.happened: list[Mapping[str, Any]] = []
        self.balance = 0
        self.silent = 0
        self.questions = 0
        self._made = 0

    def add_invoice(self, total_cents: int, *, customer_id: str | None = None, lines: Sequence[StripeLine] = ()) -> str:
        self._made += 1
        id_ = f"in_fake{self._made:012}"
        self.invoices[id_] = StripeInvoice(id_, "open", total_cents, "aud", customer_id)
        self.paid[id_] = []
        self.line_items[id_] = list(lines)
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
        return Succeeded(self.line_items[invoice_id]) if invoice_id in self.line_items else Refused("resource_missing")

    async def payments(self, invoice_id: str) -> Succeeded[list[StripePayment]] | Refused | Unknown:
        if self._stays_silent():
            return Unknown("no_answer")
        return Succeeded([payment for payment in self.paid.get(invoice_id, ()) if payment.amount_cents])

    async def listed(
        self, kind: ItemKind, since: datetime | None, cursor: str | None
    ) -> Succeeded[Page] | Refused | Unknown:
        if self._stays_silent():
            return Unknown("no_answer")
        found = [item for item in reversed(self.items) if item.kind is kind]
        found = [item for item in found if since is None or item.occurred_at >= since]
        at = [item.stripe_id for item in found].index(cursor) + 1 if cursor else 0
        shown = found[at : at + PAGE_SIZE]
        return Succeeded(Page(shown, shown[-1].stripe_id if found[at + PAGE_SIZE :] else None))

    async def looked_up(self, about: About, key: str) -> Succeeded[list[StripeItem]] | Refused | Unknown:
        if self._stays_silent():
            return Unknown("no_answer")
        if about in {About.PAYMENT, About.REFUND}:
            return Succeeded([item for item in self.items if item.payment_ref == key])
        of_source = about is About.MOVEMENT and not key.startswith("txn_")
        kind, name = OF_ABOUT[About.TRANSFER if of_source else about]
        found = [item for item in self.items if item.kind is kind and getattr(item, name) == key]
        return Succeeded(found) if found or name == "source_ref" else Refused("resource_missing")

    async def events(
        self, types: Sequence[str], since: datetime, cursor: str | None
    ) -> Succeeded[EventPage] | Refused | Unknown:
        if self._stays_silent():
            return Unknown("no_answer")
        found = [body for body in reversed(self.happened) if body["type"] in types]
        found = [body for body in found if body["created"] >= since.timestamp()]
        at = [body["id"] for body in found].index(cursor) + 1 if cursor else 0
        shown = found[at : at + PAGE_SIZE]
        return Succeeded(EventPage(shown, shown[-1]["id"] if found[at + PAGE_SIZE :] else None))

    async def balance_cents(self, currency: str) -> Succeeded[int] | Refused | Unknown:
        return Unknown("no_answer") if self._stays_silent() else Succeeded(self.balance)

    async def close(self) -> None:
        """Nothing is open."""

    def _stays_silent(self) -> bool:
        self.questions += 1
        self.silent -= 1
        return self.silent >= 0
