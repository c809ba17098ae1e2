"""What can happen to a client's boards and an installer's month, step by step; a model is told of all that did."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.errors import Refusal
from chassis.ids import new_id
from contracts.values import AdjustmentType, CapReleaseReason, GstTreatment, InvoiceKind
from services.billing.commands.client_invoices import DraftLine, SetLines, redraft_board_invoice, set_lines
from services.billing.commands.deliveries import CapRelease, release_caps
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.periods import Period
from services.billing.domain.settlement import WriteOffState
from services.billing.domain.statuses import AdjustmentState
from services.billing.models import Adjustment, WriteOff
from tests.billing.arrangements import MARCH, SYDNEY, Books, client_state, march, sent
from tests.billing.arrangements_settlement import (
    apply_credit,
    approve,
    approve_voiding,
    approve_writing_off,
    ask_to_void,
    ask_to_write_off,
    receive,
    reject_voiding,
    take_payment_back,
    take_rest_back,
    unapply,
    undo_write_off,
)
from tests.billing.arrangements_stripe import pay_at_stripe
from tests.billing.model_of_books import Model

LINES = (
    DraftLine("Advisory board", 1, 9_995),
    DraftLine("Travel, at cost", 1, 1_233, GstTreatment.GST_FREE),
    DraftLine("Goodwill", 1, -2_501),
)
REFUSALS = {
    "adjustment_already_decided",
    "credit_came_back",
    "credit_exceeds_balance",
    "customer_credit_exceeded",
    "customer_credit_spent",
    "deliveries_not_late",
    "invoice_has_payments",
    "invoice_not_a_draft",
    "invoice_not_issued",
    "invoice_not_void",
    "invoice_of_another_kind",
    "invoice_written_off",
    "line_not_found",
    "nothing_owed",
    "payment_exceeds_balance",
    "reversal_exceeds_payment",
    "void_request_out_of_date",
    "void_request_stands",
    "write_off_already_decided",
    "write_off_out_of_date",
    "write_off_stands",
}
CASH, STRIPE = "cash", "stripe_clearing"
DEBIT = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION}
EDGES = {
    datetime.fromisoformat(instant): month
    for instant, month in (
        # On 5 April clocks go back: half past two comes twice.
        ("2026-04-04T15:30:00Z", "2026-04"),
        ("2026-04-04T16:30:00Z", "2026-04"),
        ("2026-04-30T13:59:59.999999Z", "2026-04"),
        ("2026-04-30T14:00:00Z", "2026-05"),
        ("2026-09-30T13:59:59.999999Z", "2026-09"),
        ("2026-09-30T14:00:00Z", "2026-10"),
        # On 4 October they leap from two to three, and October is an hour shorter.
        ("2026-10-03T15:59:59.999999Z", "2026-10"),
        ("2026-10-03T16:00:00Z", "2026-10"),
        ("2026-10-31T12:59:59.999999Z", "2026-10"),
        ("2026-10-31T13:00:00Z", "2026-11"),
        ("2026-12-31T12:59:59.999999Z", "2026-12"),
        ("2026-12-31T13:00:00Z", "2027-01"),
    )
}
"""Where Sydney's months end and its clocks change, and the month of each instant by the calendar."""
LATE = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.LATE_DELIVERY}


@dataclass(frozen=True)
class Step:
    """`place` chooses the invoice, `whole` the variant: all of it, or what is typed in twice."""

    name: str
    place: int
    cents: int
    whole: bool


@dataclass
class History:
    """A client with three boards and an installer with three deliveries, all invoiced; and what happened since."""

    books: Books
    model: Model = field(default_factory=Model)
    invoices: list[UUID] = field(default_factory=list)
    installer_id: UUID | None = None
    months: dict[UUID, str] = field(default_factory=dict)
    """Of each assignment the month that it belongs to."""
    refused: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        client = client_state(new_id())
        for lines in (LINES, LINES[:1], LINES[:2]):
            draft = await self.books.board_draft(client=client)
            async with self.books.unit() as session:
                await set_lines(session, SetLines(draft, 1, lines))
            await self.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        self.installer_id = await self.books.priced_installer(3_333, 1_111)
        await self.issue(await self.books.draft_of(self.installer_id, *map(self.delivery, (3, 4, 5))))

    def delivery(self, day: int) -> Any:
        return self.sent_at(march(day), MARCH.name)

    def sent_at(self, instant: datetime, month: str) -> Any:
        assert self.installer_id is not None
        delivery = sent(self.installer_id, instant)
        self.months[delivery.assignment_id] = month
        return delivery

    async def issue(self, draft: UUID, **changed: Any) -> None:
        invoice = await self.books.issue(draft, **changed)
        self.invoices.append(invoice.id)
        self.model.issued(invoice.id, invoice.subtotal_cents, invoice.gst_cents)

    async def take(self, step: Step) -> None:
        invoice_id = self.invoices[step.place % len(self.invoices)]
        deed: Callable[[UUID, Step], Awaitable[None]] = getattr(self, step.name)
        try:
            await deed(invoice_id, step)
        except Refusal as refusal:
            self.refused.append(refusal.code)
        assert set(self.refused) <= REFUSALS

    async def pay(self, invoice_id: UUID, step: Step) -> None:
        """By transfer; typed in twice it is one payment."""
        reference = f"bank {new_id()}"
        for _ in range(1 + step.whole):
            recorded = await self.books.pay(invoice_id, step.cents, reference, excess_to_credit=step.whole)
            if recorded.is_new:
                self.model.paid(invoice_id, step.cents, CASH)

    async def pay_at_stripe(self, invoice_id: UUID, step: Step) -> None:
        """Whatever is owed, also of a void invoice."""
        await pay_at_stripe(self.books, invoice_id, step.cents)
        self.model.paid(invoice_id, step.cents, STRIPE)

    async def receive(self, invoice_id: UUID, step: Step) -> None:
        """Over all that the account owes, or a half of it over one invoice; what is left is the customer's."""
        account_id = (await self.books.invoice(invoice_id)).account_id
        parts = None if step.whole else {invoice_id: max(1, step.cents // 2)}
        received = await receive(self.books, account_id, step.cents, parts)
        for payment in received.payments:
            self.model.paid(payment.invoice_id, payment.amount_cents, CASH)
        self.model.rested(received.receipt.rest_cents, CASH)

    async def take_payment_back(self, _invoice_id: UUID, step: Step) -> None:
        query = "SELECT id, invoice_id, external_payment_ref FROM payments ORDER BY recorded_at, id"
        if rows := await self.books.rows(query):
            row = rows[step.place % len(rows)]
            back = await take_payment_back(self.books, row.id, None if step.whole else step.cents)
            self.model.taken_back(row.invoice_id, back.amount_cents, STRIPE if row.external_payment_ref else CASH)

    async def take_rest_back(self, _invoice_id: UUID, step: Step) -> None:
        if rows := await self.books.rows("SELECT id FROM receipts WHERE rest_cents > 0 ORDER BY id"):
            row = rows[step.place % len(rows)]
            back = await take_rest_back(self.books, row.id, None if step.whole else step.cents)
            self.model.taken_back(None, back.amount_cents, CASH)

    async def credit(self, invoice_id: UUID, step: Step) -> None:
        line_no = step.place % 3 + 1 if step.whole else None
        await self._adjusted(
            await self.books.credit(invoice_id, None if step.cents % 3 == 0 else step.cents, line_no=line_no)
        )

    async def approve(self, _invoice_id: UUID, _step: Step) -> None:
        for row in await self.books.rows("SELECT id FROM adjustments WHERE state = 'pending' ORDER BY created_at, id"):
            await self._adjusted(await approve(self.books, row.id))
        for row in await self.books.rows("SELECT id FROM write_offs WHERE state = 'pending' ORDER BY created_at, id"):
            await self._written_off(await approve_writing_off(self.books, row.id))
        for row in await self._voids_that_wait():
            self.model.voided((await approve_voiding(self.books, row.id)).invoice_id)

    async def turn_down_void(self, _invoice_id: UUID, step: Step) -> None:
        if rows := await self._voids_that_wait():
            await reject_voiding(self.books, rows[step.place % len(rows)].id)

    async def debit(self, invoice_id: UUID, step: Step) -> None:
        await self._adjusted(await self.books.credit(invoice_id, step.cents, **DEBIT))

    async def deliver_late(self, invoice_id: UUID, _step: Step) -> None:
        await self.books.deliver(late := self.delivery(30))
        id_ = await self.books.value("SELECT id FROM delivery_events WHERE assignment_id = :a", a=late.assignment_id)
        await self._adjusted(await self.books.credit(invoice_id, None, delivery_event_ids=frozenset([id_]), **LATE))

    async def release(self, _invoice_id: UUID, step: Step) -> None:
        """No money follows from a cap."""
        rows = await self.books.rows("SELECT assignment_id FROM delivery_events ORDER BY id")
        async with self.books.unit() as session:
            released = CapRelease(rows[step.place % len(rows)].assignment_id, CapReleaseReason.INVALID_LEAD)
            await release_caps(session, [released])

    async def apply_credit(self, invoice_id: UUID, step: Step) -> None:
        before = (await self.books.invoice(invoice_id)).balance_cents
        invoice = await apply_credit(self.books, invoice_id, None if step.whole else step.cents)
        self.model.applied(invoice_id, before - invoice.balance_cents)

    async def unapply(self, _invoice_id: UUID, step: Step) -> None:
        """Asked for twice it is done once."""
        query = (
            "SELECT substring(source_key FROM 20)::uuid AS id, invoice_id FROM journal_postings "
            "WHERE kind = 'credit_applied' ORDER BY id"
        )
        if rows := await self.books.rows(query):
            row = rows[step.place % len(rows)]
            before = (await self.books.invoice(row.invoice_id)).balance_cents
            invoice = await unapply(self.books, row.id)
            self.model.applied(row.invoice_id, before - invoice.balance_cents)

    async def write_off(self, invoice_id: UUID, _step: Step) -> None:
        await self._written_off(await ask_to_write_off(self.books, invoice_id))

    async def undo_write_off(self, _invoice_id: UUID, _step: Step) -> None:
        for row in await self.books.rows("SELECT id FROM write_offs WHERE state = 'approved' ORDER BY id"):
            written = await undo_write_off(self.books, row.id)
            self.model.written_off(written.invoice_id, -written.amount_cents, -written.gst_cents)

    async def void(self, invoice_id: UUID, step: Step) -> None:
        """Over the limit it waits until it is agreed to: `whole` is over it, whatever is owed."""
        if invoice_id not in self.model.void:
            limit_cents = 0 if step.whole else self.books.house.approval_limit_cents
            if await ask_to_void(self.books, invoice_id, limit_cents=limit_cents) is None:
                self.model.voided(invoice_id)

    async def bill_again(self, invoice_id: UUID, _step: Step) -> None:
        if invoice_id == self.invoices[3]:
            results = {result.installer_id: result for result in await self.books.drafts()}
            draft = results[self.installer_id].invoice_id if self.installer_id in results else None
            if draft is not None and draft not in self.invoices:
                await self.issue(draft)
            return
        async with self.books.unit() as session:
            draft = (await redraft_board_invoice(session, invoice_id, self.books.clock.now())).id
        if draft not in self.invoices:
            await self.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)

    async def jump(self, _invoice_id: UUID, step: Step) -> None:
        """The business clock, over a month's end or an hour that is missing or doubled; a lead is delivered there."""
        later = [edge for edge in EDGES if edge > self.books.clock.now()]
        if later:
            self.books.clock.instant = later[min(step.place % 3, len(later) - 1)]
            await self.books.deliver(self.sent_at(self.books.clock.instant, EDGES[self.books.clock.instant]))

    async def close_months(self, _invoice_id: UUID, _step: Step) -> None:
        """All that are over, the one that ends at this very instant too."""
        periods = [Period.of_month(month, SYDNEY) for month in sorted({*self.months.values()})]
        for period in periods:
            drafted = await self.books.drafts(period) if period.has_ended(self.books.clock.now()) else []
            for result in drafted:
                if result.invoice_id is not None and result.invoice_id not in self.invoices:
                    await self.issue(result.invoice_id)

    async def _voids_that_wait(self) -> Sequence[Any]:
        return await self.books.rows("SELECT id FROM void_requests WHERE state = 'pending' ORDER BY created_at, id")

    async def _adjusted(self, adjustment: Adjustment) -> None:
        if adjustment.state is AdjustmentState.APPROVED:
            is_debit = adjustment.type is AdjustmentType.DEBIT
            told = self.model.debited if is_debit else self.model.credited
            told(adjustment.invoice_id, adjustment.ex_gst_cents, adjustment.gst_cents)

    async def _written_off(self, written: WriteOff) -> None:
        if written.state is WriteOffState.APPROVED:
            self.model.written_off(written.invoice_id, written.amount_cents, written.gst_cents)
