"""One payment of an invoice: where it came from, what it posted, and what went back of it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject, audit_entries
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, show_document
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.commands.reversals import reverse_payment
from services.billing.http.reversals import MONEY, take_back_by_operator
from services.billing.models import Account, Invoice, Payment
from services.billing.pages.doors import PAYMENTS, RECEIPTS, account_path, invoice_path
from services.billing.pages.faults import told_beside
from services.billing.pages.taking_back import FIELDS, TakeBackForm, amount_field, reversals_table, why_fields
from services.billing.queries import invoices, receipts

PATH = PAYMENTS
REVERSE = "reverse"
VERBS = {"reverse_payment": "took it back"}


@page_at(PATH + "/{payment_id:uuid}", Capability.READ_OPS)
async def show_payment(
    payment_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        payment = await receipts.find_payment(session, payment_id)
        invoice, account = await invoices.with_account(session, payment.invoice_id)
        gone = await receipts.reversals_of(session, [payment_id])
        told = await moments_of(
            session,
            [Subject("invoice", invoice.id)],
            VERBS,
            console.wording,
            audit_entries.c.after["payment_id"].astext == str(payment_id),
        )
    left_cents = payment.amount_cents - sum(row.amount_cents for row in gone)
    document = Document(
        title=f"Payment of {invoice.number}",
        room="payments",
        up=("Payments", PATH),
        states=[chip("Taken back" if not left_cents else "Taken back in part", "warning")] if gone else [],
        sentence=f"{account.name}, {words(payment.method).lower()}: "
        f"received on {console.wording.exact(payment.received_at)}.",
        amount=money(left_cents),
        amount_note="AUD that pays for it" if not gone else f"AUD left of {money(payment.amount_cents)}",
        facts=_facts(payment, invoice, account),
        actions=[_reverse(payment, invoice, left_cents, operator)],
        sections=[reversals_table(gone)],
        timeline=in_order(told, [Moment(payment.recorded_at, payment.recorded_by, "recorded it")]),
        links=[("Postings of its invoice", f"/console/journal?invoice_id={invoice.id}")],
    )
    return show_document(console, request, document, done)


def _facts(payment: Payment, invoice: Invoice, account: Account) -> list[Fact]:
    receipt = payment.receipt_id
    return [
        Fact("Invoice", Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id))),
        Fact("Account", Shown(account.name, path=account_path(account.id))),
        Fact("Reference", Shown(payment.reference)),
        Fact("Stripe payment", Shown(payment.external_payment_ref, Kind.ID)),
        Fact("Came in with", Shown("Its receipt", path=f"{RECEIPTS}/{receipt}") if receipt else "Alone"),
        Fact("Recorded by", Shown(payment.recorded_by)),
        Fact("Invoice owes", Shown(invoice.owed_cents, Kind.MONEY)),
        Fact("Payment id", Shown(str(payment.id), Kind.ID)),
    ]


def _reverse(payment: Payment, invoice: Invoice, left_cents: int, operator: Operator) -> Action:
    from_credit = min(left_cents, max(0, invoice.customer_credit_cents))
    first = f" {money(from_credit)} of it was more than was owed, and goes first." if from_credit else ""
    return Action(
        REVERSE,
        "Take it back",
        f"{PATH}/{payment.id}/{REVERSE}",
        effect=f"So much is owed on {invoice.number} again, by a new posting; what is recorded stays.{first}",
        fields=(amount_field(left_cents), *why_fields()),
        hidden={"reversal_id": str(new_id())},
        done="Taken back",
        destroys=True,
        **refused(operator, MONEY, None if left_cents else "all of it was taken back"),
    )


@form_at(PATH + "/{payment_id:uuid}/" + REVERSE, MONEY, step_up=True)
async def reverse_by_form(
    payment_id: FromPath[UUID],
    data: JSONBody[TakeBackForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await take_back_by_operator(session, reverse_payment, payment_id, data.part(), operator, clock.now())
    return console.redirect(f"{PATH}/{payment_id}?done={REVERSE}")


ROUTES = (show_payment, reverse_by_form)
