"""One sum that came in: the invoices it pays for, its rest, what went back of both, and what it posted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject, audit_entries
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Section, Table, show_document
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import counted, money, words
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.commands.reversals import reverse_receipt, reverse_rest
from services.billing.domain.settlement import ReversalReason
from services.billing.http.reversals import MONEY, take_back_by_operator
from services.billing.models import Account, Invoice, Payment, PaymentReversal, Receipt
from services.billing.pages.doors import PAYMENTS, RECEIPTS, account_path, invoice_path
from services.billing.pages.faults import told_beside
from services.billing.pages.taking_back import (
    FIELDS,
    TakeAllBackForm,
    TakeBackForm,
    amount_field,
    reversals_table,
    why_fields,
)
from services.billing.queries import accounts, journal, receipts

PATH = RECEIPTS
REVERSE, REFUND = "reverse", "refund"
RECORDED = "received"
VERBS = {"reverse_payment": "took something of it back"}


@dataclass(frozen=True, slots=True)
class _Read:
    receipt: Receipt
    account: Account
    paid: Sequence[tuple[Payment, Invoice]]
    gone: Sequence[PaymentReversal]

    def left_of(self, payment: Payment) -> int:
        return payment.amount_cents - sum(row.amount_cents for row in self.gone if row.payment_id == payment.id)

    @property
    def rest_left_cents(self) -> int:
        return self.receipt.rest_cents - sum(row.amount_cents for row in self.gone if row.receipt_id)

    @property
    def left_cents(self) -> int:
        return self.receipt.amount_cents - sum(row.amount_cents for row in self.gone)


async def _read(session: AsyncSession, receipt_id: UUID) -> _Read:
    receipt = await receipts.find(session, receipt_id)
    query = select(Payment, Invoice).join(Invoice, Invoice.id == Payment.invoice_id)
    found = await session.execute(query.where(Payment.receipt_id == receipt_id).order_by(Invoice.due_at, Invoice.id))
    paid = [(row[0], row[1]) for row in found]
    gone = await receipts.reversals_of(session, [payment.id for payment, _ in paid], [receipt_id])
    return _Read(receipt, await accounts.find(session, receipt.account_id), paid, gone)


@page_at(PATH + "/{receipt_id:uuid}", Capability.READ_OPS)
async def show_receipt(
    receipt_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        read = await _read(session, receipt_id)
        told = await moments_of(
            session,
            [Subject("account", read.account.id), *(Subject("invoice", invoice.id) for _, invoice in read.paid)],
            VERBS,
            console.wording,
            audit_entries.c.after["reversal_id"].astext.in_([str(row.id) for row in read.gone]),
        )
        postings = await _postings(session, read)
    receipt = read.receipt
    document = Document(
        title=f"Receipt of {money(receipt.amount_cents)}",
        room="payments",
        up=("Receipts", PATH),
        states=[chip("Taken back in part" if read.left_cents else "Taken back", "warning")] if read.gone else [],
        sentence=f"{read.account.name}, {words(receipt.method).lower()}, "
        f"for {counted(len(read.paid), 'invoice', 'invoices')}: "
        f"received on {console.wording.exact(receipt.received_at)}.",
        amount=money(read.left_cents),
        amount_note="AUD came in" if not read.gone else f"AUD left of {money(receipt.amount_cents)}",
        facts=_facts(read),
        actions=[_refund(read, operator), _reverse(read, operator)],
        past=[Action(RECORDED, "", "", done="Recorded: each invoice that it pays for says so")],
        sections=[_invoices(read), reversals_table(read.gone), postings],
        timeline=in_order(told, [Moment(receipt.recorded_at, receipt.recorded_by, "recorded it")]),
    )
    return show_document(console, request, document, done)


def _facts(read: _Read) -> list[Fact]:
    receipt = read.receipt
    return [
        Fact("Account", Shown(read.account.name, path=account_path(read.account.id))),
        Fact("Reference", Shown(receipt.reference)),
        Fact("Stripe payment", Shown(receipt.external_payment_ref, Kind.ID)),
        Fact("No invoice took", Shown(receipt.rest_cents, Kind.MONEY)),
        Fact("Still there of that", Shown(read.rest_left_cents, Kind.MONEY)),
        Fact("Their credit with us", Shown(read.account.customer_credit_cents, Kind.MONEY)),
        Fact("Recorded by", Shown(receipt.recorded_by)),
        Fact("Receipt id", Shown(str(receipt.id), Kind.ID)),
    ]


def _invoices(read: _Read) -> Table:
    return Table(
        "What it pays for",
        (
            ("Invoice", Kind.TEXT),
            ("Due", Kind.DAY),
            ("Paid by it", Kind.MONEY),
            ("Left of that", Kind.MONEY),
            ("Owed now", Kind.MONEY),
        ),
        [
            (
                Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id)),
                Shown(invoice.due_at, Kind.DAY),
                Shown(payment.amount_cents, Kind.MONEY, path=f"{PAYMENTS}/{payment.id}"),
                Shown(read.left_of(payment), Kind.MONEY),
                Shown(invoice.owed_cents, Kind.MONEY),
            )
            for payment, invoice in read.paid
        ],
        empty="No invoice yet: all of it is the customer's credit.",
        foot=(
            "Sum",
            "",
            Shown(sum(payment.amount_cents for payment, _ in read.paid), Kind.MONEY),
            Shown(sum(read.left_of(payment) for payment, _ in read.paid), Kind.MONEY),
            "",
        ),
    )


async def _postings(session: AsyncSession, read: _Read) -> Section:
    """By the keys of the facts that it consists of."""
    keys = [f"payment:{payment.id}" for payment, _ in read.paid]
    keys += [f"receipt:{read.receipt.id}:rest", *(f"payment_reversal:{row.id}" for row in read.gone)]
    found = await journal.debited(session, keys)
    return Table(
        "Postings",
        (("What happened", Kind.WORD), ("Dated", Kind.DAY), ("Amount", Kind.MONEY)),
        [
            (
                Shown(posting.kind, Kind.WORD, path=f"/console/journal/{posting.id}"),
                Shown(posting.occurred_at, Kind.DAY),
                Shown(cents, Kind.MONEY),
            )
            for posting, cents in found
        ],
    )


def _refund(read: _Read, operator: Operator) -> Action:
    there = min(read.rest_left_cents, read.account.customer_credit_cents)
    if not read.rest_left_cents:
        way: str | None = "no rest is left of it"
    else:
        way = None if there else "its rest pays for invoices: take that back from them first"
    return Action(
        REFUND,
        "Pay back the rest",
        f"{PATH}/{read.receipt.id}/{REFUND}",
        effect=f"{money(there)} can go back to {read.account.name}. Pay it by the bank or in Stripe: this records that "
        "it was paid, out of their credit with us.",
        fields=(amount_field(there), *why_fields(ReversalReason.REFUNDED)),
        hidden={"reversal_id": str(new_id())},
        done="Recorded: their credit is less by it",
        **refused(operator, MONEY, way),
    )


def _reverse(read: _Read, operator: Operator) -> Action:
    return Action(
        REVERSE,
        "Take all of it back",
        f"{PATH}/{read.receipt.id}/{REVERSE}",
        effect=f"{money(read.left_cents)} goes back in one act: {counted(len(read.paid), 'invoice', 'invoices')} owed "
        f"again, and {money(read.rest_left_cents)} of credit gone. What is recorded stays, and new postings undo it.",
        fields=why_fields(),
        hidden={"reversal_id": str(new_id())},
        done="Taken back",
        destroys=True,
        **refused(operator, MONEY, None if read.left_cents else "all of it was taken back"),
    )


@form_at(PATH + "/{receipt_id:uuid}/" + REFUND, MONEY, step_up=True)
async def refund_by_form(
    receipt_id: FromPath[UUID],
    data: JSONBody[TakeBackForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await take_back_by_operator(session, reverse_rest, receipt_id, data.part(), operator, clock.now())
    return console.redirect(f"{PATH}/{receipt_id}?done={REFUND}")


@form_at(PATH + "/{receipt_id:uuid}/" + REVERSE, MONEY, step_up=True)
async def reverse_by_form(
    receipt_id: FromPath[UUID],
    data: JSONBody[TakeAllBackForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    fields = FIELDS | {"customer_credit_spent": "reason_code"}
    with told_beside(fields):
        async with database.transaction() as session:
            await take_back_by_operator(session, reverse_receipt, receipt_id, data.whole(), operator, clock.now())
    return console.redirect(f"{PATH}/{receipt_id}?done={REVERSE}")


ROUTES = (show_receipt, refund_by_form, reverse_by_form)
