"""How an invoice's page is made up, an installer's or a client's: what both say, offer and show."""

from collections.abc import Sequence
from datetime import datetime

from chassis.audit import Subject
from chassis.console.cells import Kind, Shown, html_of
from chassis.console.documents import Document, Fact
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import counted, money
from contracts.values import InvoiceKind
from services.billing.domain.statuses import InvoiceStatus
from services.billing.http.exported import export_of
from services.billing.http.invoice_views import InvoiceDetail
from services.billing.pages import (
    invoice_actions,
    invoice_notes,
    invoice_promises,
    invoice_sections,
    invoice_settling,
    invoice_voids,
)
from services.billing.pages.doors import INVOICES, account_path
from services.billing.pages.invoice_page import InvoicePage, MakeAction, MakeNote, MakeSection
from services.billing.pages.invoice_words import CLIENTS, invoice_title, status_chip

ACTIONS: tuple[MakeAction, ...] = (
    invoice_actions.payment,
    invoice_actions.credit,
    invoice_actions.debit,
    invoice_actions.apply_credit,
    invoice_settling.unapply,
    invoice_settling.write_off,
    invoice_actions.resend,
    invoice_promises.promise,
    invoice_promises.withdraw,
    invoice_promises.give,
    invoice_actions.void,
)
NOTES: tuple[MakeNote, ...] = (
    invoice_notes.blocked,
    invoice_notes.adjustments_wait,
    invoice_settling.write_off_waits,
    invoice_voids.void_waits,
    invoice_promises.promised,
    invoice_notes.deliveries_came_late,
    invoice_notes.drafted_again,
    invoice_notes.replaces,
)
SECTIONS: tuple[MakeSection, ...] = (
    invoice_sections.payments,
    invoice_sections.adjustments,
    invoice_settling.write_offs_table,
    invoice_voids.asked_for,
    invoice_promises.made,
)
VERBS = {
    **invoice_promises.VERBS,
    **invoice_voids.VERBS,
    "add_adjustment": "adjusted it",
    "apply_credit": "paid for it with the customer's credit",
    "approve_adjustment": "agreed to an adjustment",
    "approve_write_off": "agreed to a write-off",
    "ask_write_off": "asked to write it off",
    "export_invoice": "exported it",
    "issue_invoice": "issued it",
    "keep_stripe_reference": "kept its Stripe reference",
    "mark_invoice_paid": "marked it paid",
    "record_payment": "recorded a payment",
    "redraft_invoice": "drafted it again",
    "reject_adjustment": "rejected an adjustment",
    "reject_write_off": "turned a write-off down",
    "resend_invoice": "had it mailed again",
    "reverse_payment": "took a payment back",
    "reverse_write_off": "took a write-off back",
    "send_invoice": "sent it",
    "set_invoice_lines": "changed its lines",
    "unapply_credit": "took the customer's credit back from it",
}


async def document_of(
    page: InvoicePage,
    actions: Sequence[MakeAction],
    sections: Sequence[MakeSection],
    links: Sequence[tuple[str, str]],
) -> Document:
    """What can be done comes before what cannot."""
    detail = page.detail
    is_installer = detail.kind is InvoiceKind.INSTALLER
    offered = [action for make in actions if (action := await make(page)) is not None]
    subjects = [Subject("invoice", detail.id), export_of("invoice", detail.id)]
    told = await moments_of(page.session, subjects, VERBS, page.console.wording)
    return Document(
        title=detail.number or f"Draft for {detail.account_name}",
        room="invoices" if is_installer else "client-invoices",
        up=("Invoices", f"{INVOICES}?status=draft") if is_installer else ("Client invoices", CLIENTS),
        states=[status_chip(detail.status, is_overdue=detail.is_overdue)],
        sentence=_sentence(page),
        amount=money(detail.balance_cents if detail.status.is_owed else detail.total_cents),
        amount_note=_amount_note(detail),
        notes=[note for make in NOTES if (note := await make(page)) is not None],
        facts=_facts(page),
        actions=sorted(offered, key=lambda action: not action.is_possible),
        sections=[section for make in sections if (section := await make(page)) is not None],
        timeline=in_order(told, _moments(page)),
        links=links,
    )


def _amount_note(detail: InvoiceDetail) -> str:
    match detail.status:
        case InvoiceStatus.ISSUED | InvoiceStatus.PARTIALLY_PAID:
            return f"{detail.currency} owed, of {money(detail.total_cents)}"
        case InvoiceStatus.PAID:
            return f"{detail.currency} with GST, paid"
        case InvoiceStatus.WRITTEN_OFF:
            return f"{detail.currency} with GST; {money(detail.written_off_cents)} is written off"
        case _:
            return f"{detail.currency} with GST"


def _sentence(page: InvoicePage) -> str:
    detail = page.detail
    told = f"{detail.account_name}, {invoice_title(detail)}"

    def day(instant: datetime | None) -> str:
        return str(html_of(Kind.DAY, instant, page.console.wording))

    match detail.status:
        case InvoiceStatus.DRAFT:
            return f"{told}: {counted(len(detail.lines), 'line', 'lines')}, not issued yet."
        case InvoiceStatus.VOID:
            return f"{told}: voided on {day(detail.voided_at)}; its number stays taken."
        case InvoiceStatus.PAID:
            return f"{told}: paid on {day(detail.paid_at)}." if detail.paid_at else f"{told}: nothing is left to pay."
        case InvoiceStatus.WRITTEN_OFF:
            return f"{told}: what was left to pay is written off."
        case _ if detail.is_overdue:
            return f"{told}: was due on {day(detail.due_at)}, {counted(detail.days_overdue, 'day', 'days')} ago."
        case _:
            return f"{told}: due on {day(detail.due_at)}."


def _facts(page: InvoicePage) -> list[Fact]:
    detail = page.detail
    stripe = Shown(detail.stripe_invoice_id, Kind.ID, path=detail.stripe_invoice_url or "")
    credit = page.account.customer_credit_cents
    return [
        Fact("Account", Shown(detail.account_name, path=account_path(detail.account_id))),
        Fact("For", invoice_title(detail)),
        Fact("Stripe invoice", stripe),
        Fact("Subtotal", Shown(detail.subtotal_cents, Kind.MONEY)),
        *([Fact("Credits", Shown(-detail.credits_cents, Kind.MONEY))] if detail.credits_cents else []),
        *([Fact("Debits", Shown(detail.debits_cents, Kind.MONEY))] if detail.debits_cents else []),
        Fact("GST", Shown(detail.gst_cents, Kind.MONEY)),
        Fact("Total", Shown(detail.total_cents, Kind.MONEY)),
        *(_facts_since_issue(detail) if detail.issued_at else []),
        *([Fact("Voided for", Shown(detail.void_reason_code, Kind.WORD))] if detail.void_reason_code else []),
        *([Fact("Customer's credit", Shown(credit, Kind.MONEY))] if credit else []),
    ]


def _facts_since_issue(detail: InvoiceDetail) -> list[Fact]:
    return [
        Fact("Paid", Shown(detail.paid_cents - detail.customer_credit_cents, Kind.MONEY)),
        Fact("Balance", Shown(detail.balance_cents if detail.status.is_owed else 0, Kind.MONEY)),
        Fact("Issued", Shown(detail.issued_at, Kind.DAY)),
        Fact("Due", Shown(detail.due_at, Kind.DAY)),
        Fact("Mailed", Shown(detail.sent_at if detail.document else None, Kind.INSTANT)),
        Fact("In the books", Shown("Its postings", path=f"/console/journal?invoice_id={detail.id}")),
    ]


def links_of(page: InvoicePage) -> list[tuple[str, str]]:
    """Downloads: what is typed into Stripe, and the PDF as it was mailed."""
    path = f"{INVOICES}/{page.detail.id}"
    document = [("Download PDF", f"{path}/document")] if page.detail.document else []
    reference = page.detail.stripe_invoice_id
    compared = [("Compare with Stripe", f"{path}/stripe-comparison")] if reference and page.is_draft else []
    exports = [("Export CSV", f"{path}/export.csv"), ("Export JSON", f"{path}/export.json")]
    return [*exports, ("Items for Stripe, CSV", f"{path}/export-items.csv"), *document, *compared]


def _moments(page: InvoicePage) -> list[Moment]:
    """What no operator did: those have their audit."""
    detail = page.detail
    moments = [Moment(detail.created_at, "Waybill", "drafted it")]
    if detail.document is not None:
        moments.append(Moment(detail.document.created_at, "Waybill", "rendered its PDF and had it mailed"))
    moments += [
        Moment(each.recorded_at, "Stripe", f"told of a payment of {money(each.amount_cents)}")
        for each in detail.payments
        if each.recorded_by == "stripe"
    ]
    return moments
