"""How an invoice's page is made up, an installer's or a client's: what it says, its tables and its timeline."""

from collections.abc import Sequence
from datetime import datetime

from chassis.console import Console
from chassis.console.actions import Action
from chassis.console.cells import Kind, Shown, html_of
from chassis.console.documents import Document, Fact, Note, Section, Table
from chassis.console.timeline import Moment, in_order
from chassis.console.wording import counted, money, words
from contracts.values import InvoiceKind
from services.billing.domain.statuses import AdjustmentState, InvoiceStatus
from services.billing.http.invoice_views import AdjustmentView, BlockerView, InvoiceDetail, LineView
from services.billing.pages.doors import invoice_path
from services.billing.pages.invoice_look import SHOWN_LINES, Look
from services.billing.pages.invoice_words import CLIENTS, INSTALLERS, invoice_title, status_chip

ASKED_AT_ISSUE = "stripe_reference_missing"
"""Said by the field of the issue's form, and by nothing else."""
ADJUSTMENT_TONES = {"pending": "warning", "approved": "positive", "rejected": ""}


def document_of(
    look: Look, actions: Sequence[Action], console: Console, lines: Section, links: Sequence[tuple[str, str]] = ()
) -> Document:
    detail = look.detail
    is_installer = detail.kind is InvoiceKind.INSTALLER
    return Document(
        title=detail.number or f"Draft for {detail.account_name}",
        room="invoices" if is_installer else "client-invoices",
        up=("Invoices", f"{INSTALLERS}?status=draft") if is_installer else ("Client invoices", CLIENTS),
        states=[status_chip(detail.status, is_overdue=detail.is_overdue)],
        sentence=_sentence(look, console),
        amount=money(detail.balance_cents if detail.status.is_owed else detail.total_cents),
        amount_note=_amount_note(detail),
        notes=_notes(look, console),
        facts=_facts(look),
        actions=sorted(actions, key=lambda action: not action.is_possible),
        sections=[lines, _payments(detail), _adjustments(detail)],
        timeline=in_order(look.told, _moments(look)),
        links=links,
    )


def _amount_note(detail: InvoiceDetail) -> str:
    match detail.status:
        case InvoiceStatus.ISSUED | InvoiceStatus.PARTIALLY_PAID:
            return f"{detail.currency} owed, of {money(detail.total_cents)}"
        case InvoiceStatus.PAID:
            return f"{detail.currency} with GST, paid"
        case _:
            return f"{detail.currency} with GST"


def _sentence(look: Look, console: Console) -> str:
    detail = look.detail
    told = f"{detail.account_name}, {invoice_title(detail)}"

    def day(instant: datetime | None) -> str:
        return str(html_of(Kind.DAY, instant, console.wording))

    match detail.status:
        case InvoiceStatus.DRAFT:
            return f"{told}: {counted(len(detail.lines), 'line', 'lines')}, not issued yet."
        case InvoiceStatus.VOID:
            return f"{told}: voided on {day(detail.voided_at)}; its number stays taken."
        case InvoiceStatus.PAID:
            return f"{told}: paid on {day(detail.paid_at)}." if detail.paid_at else f"{told}: nothing is left to pay."
        case _ if detail.is_overdue:
            return f"{told}: was due on {day(detail.due_at)}, {counted(detail.days_overdue, 'day', 'days')} ago."
        case _:
            return f"{told}: due on {day(detail.due_at)}."


def other_blockers(look: Look) -> list[BlockerView]:
    """Without the Stripe reference, which the issue itself asks for."""
    return [each for each in look.detail.blockers if each.code != ASKED_AT_ISSUE]


def _notes(look: Look, console: Console) -> list[Note]:
    detail, notes = look.detail, []
    if blockers := other_blockers(look):
        title = f"{counted(len(blockers), 'thing stands', 'things stand')} in the way of its issue"
        notes.append(Note(title, "", "warning", [_cure(each, look, console) for each in blockers]))
    pending = [each for each in detail.adjustments if each.state is AdjustmentState.PENDING]
    if pending:
        number = counted(len(pending), "adjustment waits", "adjustments wait")
        items = [(_adjustment_name(each), f"/console/adjustments/{each.id}") for each in pending]
        notes.append(Note(f"{number} for a second operator", "Nothing has come of it yet.", "warning", items))
    if look.late:
        number = counted(len(look.late), "delivery", "deliveries")
        notes.append(
            Note(f"{number} of its month came late", "A debit for late delivery charges what came late.", "info")
        )
    if look.successor is not None:
        item = (look.successor.number or "The draft", invoice_path(detail.kind, look.successor.id))
        notes.append(Note("It was drafted again", "", "info", [item]))
    if detail.replaces_invoice_id is not None:
        item = ("The void invoice", invoice_path(detail.kind, detail.replaces_invoice_id))
        notes.append(Note("It takes the place of a void one", "", "info", [item]))
    return notes


def _cure(blocker: BlockerView, look: Look, console: Console) -> tuple[str, str]:
    """What is missing, who mends it, and the way there."""
    detail = look.detail
    account = f"/console/accounts/{detail.account_id}"
    is_installer = detail.kind is InvoiceKind.INSTALLER
    owner = (
        ("routing", f"/console/installers/{detail.account_id}")
        if is_installer
        else (
            "intake",
            f"/console/clients/{detail.account_id}",
        )
    )
    path = {
        "held_deliveries": f"{account}#set_prices-effective_day",
        "draft_is_stale": f"/console/month-close/{detail.period}",
        "buyer_email_missing": console.addresses.url(*owner),
        "buyer_identity_missing": console.addresses.url(*owner),
    }.get(blocker.code, "")
    text = blocker.detail[:1].upper() + blocker.detail[1:]
    return f"{text} ({words(blocker.owner).lower()} mends it)", path


def _facts(look: Look) -> list[Fact]:
    detail = look.detail
    stripe = Shown(detail.stripe_invoice_id, Kind.ID, path=detail.stripe_invoice_url or "")
    credit = look.account.customer_credit_cents
    return [
        Fact("Account", Shown(detail.account_name, path=f"/console/accounts/{detail.account_id}")),
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


def line_table(look: Look) -> Table:
    detail = look.detail
    heads = [
        ("Description", Kind.TEXT),
        *([("Delivered", Kind.DAY)] if detail.period else []),
        ("Quantity", Kind.NUMBER),
        ("Price", Kind.MONEY),
        ("Ex GST", Kind.MONEY),
        ("GST", Kind.MONEY),
        ("Inc GST", Kind.MONEY),
    ]
    sums = [
        sum(getattr(line, name) for line in detail.lines) for name in ("ex_gst_cents", "gst_cents", "inc_gst_cents")
    ]
    foot: list[Shown | str] = [
        counted(len(detail.lines), "line", "lines"),
        *([""] * (3 if detail.period else 2)),
        *(Shown(cents, Kind.MONEY) for cents in sums),
    ]
    return Table(
        "Lines",
        heads,
        [_line(line, look) for line in look.shown_lines],
        empty="None: an invoice without lines cannot be issued.",
        foot=foot,
        note=f"The first {SHOWN_LINES} of {len(detail.lines):,}." if len(detail.lines) > SHOWN_LINES else "",
        more=("Its deliveries", f"/console/delivery-events?invoice_id={detail.id}") if detail.period else None,
    )


def _line(line: LineView, look: Look) -> list[Shown | str]:
    delivery = line.delivery_event_id
    return [
        Shown(line.description, path=f"/console/delivery-events/{delivery}" if delivery else ""),
        *([Shown(look.delivered.get(delivery) if delivery else None, Kind.DAY)] if look.detail.period else []),
        Shown(line.quantity, Kind.NUMBER),
        Shown(line.unit_price_cents, Kind.MONEY),
        Shown(line.ex_gst_cents, Kind.MONEY),
        Shown(line.gst_cents, Kind.MONEY),
        Shown(line.inc_gst_cents, Kind.MONEY),
    ]


def _payments(detail: InvoiceDetail) -> Table:
    return Table(
        "Payments",
        (("Received", Kind.DAY), ("How", Kind.WORD), ("Reference", Kind.TEXT), ("By", Kind.TEXT), ("Paid", Kind.MONEY)),
        [
            (
                Shown(each.received_at, Kind.DAY),
                Shown(each.method, Kind.WORD),
                each.reference or each.external_payment_ref or "",
                each.recorded_by,
                Shown(each.amount_cents, Kind.MONEY),
            )
            for each in detail.payments
        ],
        empty="Nothing came in yet.",
    )


def _adjustments(detail: InvoiceDetail) -> Table:
    return Table(
        "Adjustments",
        (
            ("Note", Kind.TEXT),
            ("Reason", Kind.WORD),
            ("State", Kind.CHIP),
            ("Asked by", Kind.TEXT),
            ("When", Kind.AGO),
            ("Ex GST", Kind.MONEY),
            ("Inc GST", Kind.MONEY),
        ),
        [
            (
                Shown(_adjustment_name(each), path=f"/console/adjustments/{each.id}"),
                Shown(each.reason_code, Kind.WORD),
                Shown(each.state, Kind.CHIP, tones=ADJUSTMENT_TONES),
                each.made_by_name,
                Shown(each.created_at, Kind.AGO),
                Shown(_signed(each, each.ex_gst_cents), Kind.MONEY),
                Shown(_signed(each, each.inc_gst_cents), Kind.MONEY),
            )
            for each in detail.adjustments
        ],
        empty="None: it stands as it was issued." if detail.issued_at else "None: a draft itself is changed.",
    )


def _adjustment_name(each: AdjustmentView) -> str:
    return f"{words(each.type)} {each.number}" if each.number else f"{words(each.type)} of {money(each.inc_gst_cents)}"


def _signed(each: AdjustmentView, cents: int) -> int:
    return -cents if each.type == "credit" else cents


def _moments(look: Look) -> list[Moment]:
    """What no operator did: those have their audit."""
    detail = look.detail
    moments = [Moment(detail.created_at, "Waybill", "drafted it")]
    if detail.document is not None:
        moments.append(Moment(detail.document.created_at, "Waybill", "rendered its PDF and had it mailed"))
    moments += [
        Moment(each.recorded_at, "Stripe", f"told of a payment of {money(each.amount_cents)}")
        for each in detail.payments
        if each.recorded_by == "stripe"
    ]
    return moments
