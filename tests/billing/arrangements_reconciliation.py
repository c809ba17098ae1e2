"""What the tests of reconciliation arrange at Stripe: an invoice, a charge with its fee, a refund, a pay-out."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from services.billing.commands.reconciling import StartRun, start_run
from services.billing.domain.reconciliation import ItemKind, StripeItem
from services.billing.models import Invoice, Reconciliation
from services.billing.reconciling import Reconciler
from services.billing.stripe_gateway import StripeGateway
from tests.billing.arrangements import Books
from tests.billing.fake_stripe import FakeStripe


class StripeSide:
    """Stripe's lists and its balance, which follows from them."""

    def __init__(self, stripe: FakeStripe, at: datetime) -> None:
        self.stripe = stripe
        self.at = at
        self._made = 0

    def invoice(self, stripe_id: str, total_cents: int, state: str = "open", currency: str = "aud") -> None:
        self._add(StripeItem(ItemKind.INVOICE, stripe_id, state, total_cents, currency, self.at))

    def credit_note(self, stripe_invoice_id: str, amount_cents: int) -> None:
        note = StripeItem(ItemKind.CREDIT_NOTE, self._id("cn"), "issued", amount_cents, "aud", self.at)
        self._add(replace(note, source_ref=stripe_invoice_id))

    def charge(self, reference: str, amount_cents: int, fee_cents: int = 0, state: str = "succeeded") -> str:
        charge = StripeItem(ItemKind.CHARGE, self._id("ch"), state, amount_cents, "aud", self.at)
        self._add(replace(charge, payment_ref=reference))
        if state == "succeeded":
            self.movement("charge", amount_cents, fee_cents, charge.stripe_id)
        return charge.stripe_id

    def refund(self, reference: str, amount_cents: int) -> str:
        refund = StripeItem(ItemKind.REFUND, self._id("re"), "succeeded", amount_cents, "aud", self.at)
        self._add(replace(refund, payment_ref=reference))
        self.movement("refund", -amount_cents, 0, refund.stripe_id)
        return refund.stripe_id

    def movement(self, type_: str, amount_cents: int, fee_cents: int = 0, source: str | None = None) -> str:
        row = StripeItem(ItemKind.MOVEMENT, self._id("txn"), "available", amount_cents, "aud", self.at)
        self._add(replace(row, type=type_, fee_cents=fee_cents, source_ref=source))
        self.stripe.balance += amount_cents - fee_cents
        return row.stripe_id

    def change(self, stripe_id: str, **changed: Any) -> None:
        """What Stripe says of one thing from now on."""
        self.stripe.items = [
            replace(item, **changed) if item.stripe_id == stripe_id else item for item in self.stripe.items
        ]

    def _add(self, item: StripeItem) -> None:
        self.stripe.items.append(item)

    def _id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}_fake{self._made:012}"


async def reconcile(books: Books, gateway: StripeGateway) -> Reconciliation:
    async with books.unit() as session:
        started = await start_run(session, StartRun("Robin Field"), books.clock.now())
    assert started is not None
    await work_off_runs(books, gateway)
    async with books.database.reading() as session:
        return await session.get_one(Reconciliation, started.run.id)


async def work_off_runs(books: Books, gateway: StripeGateway | None) -> None:
    reconciler = Reconciler(books.database, gateway, books.clock)
    while await reconciler.step():
        continue


async def told(books: Books) -> dict[str, str]:
    """The code of each difference, and where it stands."""
    return {row.code: row.state for row in await books.rows("SELECT code, state FROM differences")}


async def open_codes(books: Books) -> set[str]:
    return {code for code, state in (await told(books)).items() if state == "open"}


def issued_reference(invoice: Invoice) -> str:
    assert invoice.stripe_invoice_id is not None
    return invoice.stripe_invoice_id


async def difference(books: Books, code: str) -> Any:
    (row,) = await books.rows("SELECT * FROM differences WHERE code = :code", code=code)
    return row
