"""How the pages call an invoice, its state and where its page is; and the columns that both lists of them have."""

from typing import Any

from markupsafe import Markup
from sqlalchemy import Row

from chassis.console.cells import Kind, chip
from chassis.console.listing import AHEAD, NOW, Amount, Choice, Column, Days, Exact, Flag, Option
from chassis.console.lists.filters import Filter
from chassis.console.wording import money, words
from contracts.values import InvoiceKind
from services.billing.domain.periods import month_name
from services.billing.domain.statuses import InvoiceStatus
from services.billing.http.invoice_views import AdjustmentView
from services.billing.models import Account, Invoice
from services.billing.pages.doors import ROOMS, account_name
from services.billing.queries.standings import CONDITIONS, GST_CENTS, IS_OWED, OWED_CENTS, STATUS, TOTAL_CENTS

INSTALLERS, CLIENTS = ROOMS[InvoiceKind.INSTALLER], ROOMS[InvoiceKind.CLIENT]
TONES = {
    InvoiceStatus.DRAFT: "",
    InvoiceStatus.ISSUED: "info",
    InvoiceStatus.PARTIALLY_PAID: "info",
    InvoiceStatus.PAID: "positive",
    InvoiceStatus.WRITTEN_OFF: "warning",
    InvoiceStatus.VOID: "",
}
IS_OVERDUE = IS_OWED & (Invoice.due_at < NOW)


def invoice_title(invoice: Any) -> str:
    """What it is for: an installer's month, or a client's board by its purchase order."""
    if invoice.period:
        return month_name(invoice.period)
    return f"Board, order {invoice.purchase_order}" if invoice.purchase_order else "Board"


def status_word(status: InvoiceStatus | str, *, is_overdue: bool) -> str:
    return f"{words(status)}, overdue" if is_overdue else words(status)


def status_chip(status: InvoiceStatus, *, is_overdue: bool) -> Markup:
    return chip(status_word(status, is_overdue=is_overdue), "danger" if is_overdue else TONES[status])


def number_of(row: Row[Any]) -> str:
    return row.number or ("Draft" if row.status == InvoiceStatus.DRAFT else "Void draft")


def adjustment_name(each: AdjustmentView) -> str:
    return f"{words(each.type)} {each.number}" if each.number else f"{words(each.type)} of {money(each.inc_gst_cents)}"


NUMBER = Column("number", "Invoice", Invoice.number, say=number_of)
ACCOUNT = Column("account", "Account", Account.name, path=lambda row: f"/console/accounts/{row.account_id}")
MONEY_COLUMNS = (
    Column(
        "status",
        "State",
        STATUS,
        Kind.CHIP,
        say=lambda row: status_word(row.status, is_overdue=row.overdue),
        tone=lambda row: "danger" if row.overdue else TONES[InvoiceStatus(row.status)],
    ),
    Column("due", "Due", Invoice.due_at, Kind.DAY, is_late=lambda row, _now: row.overdue),
    Column("subtotal", "Subtotal", Invoice.subtotal_cents, Kind.MONEY, sums=True),
    Column("gst", "GST", GST_CENTS, Kind.MONEY, sums=True),
    Column("total", "Total", TOTAL_CENTS, Kind.MONEY, sorts=True, sums=True),
    Column("balance", "Balance", OWED_CENTS, Kind.MONEY, sorts=True, sums=True),
)
EXTRA_COLUMNS = (
    Column("created", "Drafted", Invoice.created_at, Kind.AGO, sorts=True, is_extra=True),
    Column("issued", "Issued", Invoice.issued_at, Kind.DAY, is_extra=True),
    Column("sent", "Mailed", Invoice.sent_at, Kind.INSTANT, is_extra=True),
    Column("paid_on", "Paid on", Invoice.paid_at, Kind.DAY, is_extra=True),
    Column("credits", "Credits", Invoice.credits_cents, Kind.MONEY, is_extra=True),
    Column("debits", "Debits", Invoice.debits_cents, Kind.MONEY, is_extra=True),
    Column("paid", "Paid", Invoice.paid_cents, Kind.MONEY, is_extra=True),
    Column("void_reason", "Voided for", Invoice.void_reason_code, Kind.WORD, is_extra=True),
    Column("overdue", "Overdue", IS_OVERDUE, Kind.YES_NO, is_extra=True),
    Column("account_id", "Account id", Invoice.account_id, Kind.ID, is_extra=True),
)
FILTERS: tuple[Filter, ...] = (
    Choice("status", "State", options=[Option(each, words(each), CONDITIONS[each]) for each in InvoiceStatus]),
    Flag("overdue", "Overdue", condition=IS_OVERDUE),
    Days("issued", "Issued", column=Invoice.issued_at),
    Days("due", "Due", column=Invoice.due_at, stretches=AHEAD),
    Amount("total", "Total", column=TOTAL_CENTS),
    Exact("account_id", "Account", column=Invoice.account_id, name_of=account_name),
)


def gone_with_it(credits_cents: int, debits_cents: int) -> str:
    """Of an invoice that is void, or is to be: what was given on it besides, and is on no draft again."""
    sums = ((credits_cents, "in credits"), (debits_cents, "in debits"))
    given = " and ".join(f"{money(cents)} {what}" for cents, what in sums if cents)
    if not given:
        return ""
    return (
        f"{given}, ex GST, were given on it and fall with it. What takes its place bills the same deliveries at their "
        "price, without those that were credited whole: what still holds of the rest is given anew."
    )
